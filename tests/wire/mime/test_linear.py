"""Time grows with the octets, whatever they are: each field and body with what a reader could stumble over.

What is quadratic takes ten seconds here; what is linear a few milliseconds.
"""

from time import process_time

import pytest

from mailserverd.mailstore.find_header import header_text
from mailserverd.wire.mime.content import texts_of
from mailserverd.wire.mime.record import new_message
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.segments import join

OCTETS = 60_000
MOST_SECONDS = 1.0
FIELDS = (
    b"To: ",
    b"Subject: ",
    b"Date: ",
    b"References: ",
    b"Message-ID: ",
    b"Content-Type: ",
    b"Content-Type: text/plain; ",
    b"Content-Disposition: attachment; ",
    b"Content-ID: ",
    b"Content-Transfer-Encoding: ",
    b"Content-Language: ",
    b"",
)
BODIES = (
    b"\r\n",
    b"Content-Type: text/html\r\n\r\n",
    b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\n",
)
IN_FIELDS = (
    *(b'"', b"\\", b'\\"', b'"\\', b"[\\", b"(\\", b"( ", b" ", b"\t ", b"a ", b"<\\", b"a=", b'a="', b"a;", b"; a=b"),
    *(b"=?", b"=?a?b?", b"=?utf-8?q?=", b"=?utf-8?q?a?= ", b"\r\n ", b"re[", b"(fwd) ", b"[x", b"*0=", b"%", b"''"),
    *(b"\x1b$B", b"\xe3\x81", b"\xff", b"..", b"@", b"@a:", b"<@a,", b":;", b"a@b.c, ", b"<a@b> ", b"1 ", b"a: b\r\n"),
)
IN_BODIES = (
    *(b"&#", b"&amp", b"<a ", b"</", b"<!-", b"<!--", b"<style>", b"<script", b"<p>", b"=\r\n ", b"=20", b" \r\n"),
    *(
        b" ",
        b"   x \r\n",
        b"\n--b",
        b"\n--bb",
        b"\n--b\n\n",
        b"--",
        b"M",
        b"begin 644 a\n",
        b"QUFB",
        b"\r",
        b"\n",
        b"\xff",
    ),
)


@pytest.mark.parametrize(("before", "units"), [(f, IN_FIELDS) for f in FIELDS] + [(b, IN_BODIES) for b in BODIES])
def test_nothing_is_worse_than_linear(before: bytes, units: tuple[bytes, ...]) -> None:
    for unit in units:
        for after in (b"", b"\\", b"x \r\n"):
            message = before + unit * (OCTETS // len(unit)) + after
            began = process_time()
            incoming = new_message(message)
            header_text(message)
            list(texts_of(message))
            assert process_time() - began < MOST_SECONDS, (unit, after)
            assert join(incoming.message.segments, dict(incoming.blobs).__getitem__) == message


@pytest.mark.parametrize(
    "one",
    [
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n",
        b"Content-Type: message/rfc822\r\n\r\n%.0d%.0d",
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n%.0d--b1\r\n",
    ],
)
def test_deep_nesting(one: bytes) -> None:
    message = b"".join(one % (number, number) for number in range(40_000))
    began = process_time()
    scan(message)
    assert process_time() - began < MOST_SECONDS
