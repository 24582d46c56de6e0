"""Replies, and above all dot-stuffing: defects of twisted.mail (16 KiB edges) and of Dovecot (a first dot)."""

import pytest

from mailserverd.wire.pop3 import reply
from mailserverd.wire.pop3.reply import Stuffing, first_lines, message


def unstuffed(octets):
    """What a client makes of a multi-line reply (RFC 1939 §3)."""
    status, _, rest = octets.partition(b"\r\n")
    assert status.startswith(b"+OK")
    assert rest == b".\r\n" or rest.endswith(b"\r\n.\r\n")
    lines = rest.split(b"\r\n")[:-2]
    assert b"." not in lines
    return b"".join((line[1:] if line[:1] == b"." else line) + b"\r\n" for line in lines)


MESSAGES = [
    b"Subject: x\r\n\r\nbody\r\n",
    b".first\r\n..second\r\n.\r\n",
    b".",
    b"..\r\n",
    b"\r\n.\r\n",
    b"\r\n",
    b"a\r\n.\r\n.\r\n.b",
    b"bare\n.\nlf\r\n",
    b"ends in cr\r",
    b"no end",
    b"nul\0\r\n",
    b"",
]


def with_last_crlf(octets):
    return octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"


@pytest.mark.parametrize("octets", MESSAGES)
def test_every_octet_comes_back(octets):
    assert unstuffed(message(octets)) == with_last_crlf(octets)


@pytest.mark.parametrize("octets", MESSAGES)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_in_pieces_as_in_one(octets, size):
    stuffing = Stuffing()
    pieces = [stuffing.piece(octets[start : start + size]) for start in range(0, len(octets), size)]
    status = b"+OK %d octets\r\n" % len(octets)
    assert status + b"".join(pieces) + stuffing.end() == message(octets)


def test_a_dot_on_the_edge_of_16_kib():
    """Defect of twisted.mail: the first octet of a chunk was not stuffed."""
    octets = b"x" * 16382 + b"\r\n.\r\n" + b"RETR 1\r\n"
    stuffing = Stuffing()
    sent = stuffing.piece(octets[:16384]) + stuffing.piece(octets[16384:]) + stuffing.end()
    assert sent == b"x" * 16382 + b"\r\n..\r\nRETR 1\r\n.\r\n"


def test_lf_is_left_alone():
    """Defect of twisted.mail: CRLF became CR CR LF."""
    assert message(b"a\nb\r\n") == b"+OK 5 octets\r\na\nb\r\n.\r\n"


def test_lines():
    assert reply.lines("List", [b"1 2", b"2 3"]) == b"+OK List\r\n1 2\r\n2 3\r\n.\r\n"
    assert reply.lines("List", []) == b"+OK List\r\n.\r\n"


def test_status_lines():
    assert reply.ok("ü") == "+OK ü\r\n".encode()
    assert reply.err("no") == b"-ERR no\r\n"
    assert reply.err("no", "IN-USE") == b"-ERR [IN-USE] no\r\n"


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, (b"", 0)), (1, (b"a\r\n", 0)), (2, (b"a\r\n\r\n", 0)), (3, (b"a\r\n\r\nb", 1)), (9, (b"a\r\n\r\nb", 7))],
)
def test_first_lines(count, expected):
    assert first_lines(b"a\r\n\r\nb", count) == expected
