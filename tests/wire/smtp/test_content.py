"""wire/smtp/content.py: where a message ends, and what may stand in it."""

import pytest

from mailserverd.wire.smtp.content import ChunkReceiver, DataReceiver, Discard, Fault, fault_of


def whole(octets: bytes) -> tuple[bytes, bytes | None, Fault | None]:
    receiver = DataReceiver()
    block, rest = receiver.feed(octets)
    return block, rest, receiver.fault


@pytest.mark.parametrize(
    ("octets", "message", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n..b\r\n.\r\n", b"a\r\n.b\r\n", b""),
        (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n", b""),
        (b"a\r\n...\r\n\r\n.\r\n.\r\n", b"a\r\n..\r\n\r\n", b".\r\n"),
    ],
)
def test_the_end_and_the_stuffed_dots(octets: bytes, message: bytes, rest: bytes) -> None:
    assert whole(octets) == (message, rest, None)


@pytest.mark.parametrize(
    "smuggled",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r\n.\rx",
        b"\n\n.\r\n\n",
        b"\r\r\n.\r\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
    ],
)
def test_no_form_of_smuggling_ends_a_message_or_passes(smuggled: bytes) -> None:
    """The known forms (bare CR, bare LF, NUL around the dot), with a command behind."""
    octets = b"Subject: a\r\n\r\ntext" + smuggled + b"MAIL FROM:<evil@example.net>\r\nmore\r\n.\r\nNOOP\r\n"
    _, rest, fault = whole(octets)
    assert rest == b"NOOP\r\n"
    assert fault in (Fault.BARE_LINE_END, Fault.NUL)


def test_faults() -> None:
    assert fault_of(b"a\r\nb\r\n") is None
    assert fault_of(b"\xff\r\n" * 3) is None
    assert fault_of(b"a\nb") is Fault.BARE_LINE_END
    assert fault_of(b"a\rb") is Fault.BARE_LINE_END
    assert fault_of(b"\rx\n") is Fault.BARE_LINE_END
    assert fault_of(b"a\n\rb") is Fault.BARE_LINE_END
    assert fault_of(b"a\0b\r\n") is Fault.NUL


def test_a_line_without_end_is_passed_on_and_nothing_is_held() -> None:
    receiver = DataReceiver()
    for _ in range(50):
        block, rest = receiver.feed(b"x" * 10_000)
        assert (len(block), rest) == (10_000, None)
    assert receiver.feed(b"\r\n.\r\nMAIL") == (b"\r\n", b"MAIL")
    assert receiver.fault is None


def test_every_octet_apart() -> None:
    octets = b"..a\r\n.b\r\n..\r\n\r\nend\r\n.\r\nREST"
    receiver = DataReceiver()
    got = b""
    for i in range(len(octets)):
        block, rest = receiver.feed(octets[i : i + 1])
        got += block
        if rest is not None:
            assert octets[i + 1 :] == b"REST"
            break
    else:
        pytest.fail("the end was not found")
    assert got == b".a\r\nb\r\n.\r\n\r\nend\r\n"
    assert receiver.fault is None


def test_a_chunk_is_counted() -> None:
    receiver = ChunkReceiver(5, lines=True)
    assert receiver.feed(b"ab") == (b"ab", None)
    assert receiver.feed(b"c\r\nNOOP") == (b"c\r\n", b"NOOP")
    assert receiver.fault is None


def test_an_empty_chunk_is_over_at_once() -> None:
    assert ChunkReceiver(0, lines=True).feed(b"") == (b"", b"")
    assert Discard(0).feed(b"x") == (b"", b"x")


def test_a_chunk_of_lines_may_not_hold_what_data_may_not() -> None:
    for bad in (b"a\nb", b"a\rb", b"a\0b"):
        receiver = ChunkReceiver(3, lines=True)
        receiver.feed(bad)
        assert receiver.fault is not None
        binary = ChunkReceiver(3, lines=False)
        binary.feed(bad)
        assert binary.fault is None


def test_a_crlf_may_be_cut_between_chunks() -> None:
    first = ChunkReceiver(2, lines=True)
    first.feed(b"a\r")
    assert first.ends_with_cr
    assert first.fault is None
    second = ChunkReceiver(2, lines=True, carry=first.ends_with_cr)
    second.feed(b"\nb")
    assert (second.fault, second.ends_with_cr) == (None, False)
    third = ChunkReceiver(1, lines=True, carry=True)
    third.feed(b"x")
    assert third.fault is Fault.BARE_LINE_END


def test_what_is_discarded_is_not_looked_at() -> None:
    discard = Discard(10)
    assert discard.feed(b"QUIT\r\n") == (b"", None)
    assert discard.feed(b"\r\n\0\nNOOP\r\n") == (b"", b"NOOP\r\n")
