import pytest

from mailserverd.wire.mime.bodies import body_of
from mailserverd.wire.mime.scan import scan


def structure(octets: bytes) -> bytes:
    return scan(octets.replace(b"\n", b"\r\n")).body_structure


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'),
        (b"\nab\ncd", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)'),
        (
            b"Content-Type: TEXT/Html; Charset=UTF-8; x=y\nContent-Transfer-Encoding: BASE64\n\n",
            b'("TEXT" "Html" ("Charset" "UTF-8" "x" "y") NIL NIL "BASE64" 0 0 NIL NIL NIL NIL)',
        ),
        (
            b"Content-Type: text/calendar; method=REQUEST\n\n",
            b'("text" "calendar" ("method" "REQUEST" "charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
        ),
        (b"Content-Type: image/png\n\nabc", b'("image" "png" NIL NIL NIL "7bit" 3 NIL NIL NIL NIL)'),
        (
            b"Content-Type: application/pdf; name*0*=utf-8''a%20; name*1=b\nContent-ID: <i@x>\n"
            b"Content-Description: a\n  b\nContent-MD5: Q2hl\n"
            b'Content-Disposition: attachment; filename="a b"\nContent-Language: en, fi\n'
            b"Content-Location: http://x/\n\nabc",
            b'("application" "pdf" ("name*0*" "utf-8\'\'a%20" "name*1" "b") "<i@x>" "a  b" "7bit" 3 "Q2hl" '
            b'("attachment" ("filename" "a b")) ("en" "fi") "http://x/")',
        ),
        (
            b"Content-Type: a/b\nContent-Disposition: inline\nContent-Language: en\n\n",
            b'("a" "b" NIL NIL NIL "7bit" 0 NIL ("inline" NIL) ("en") NIL)',
        ),
        (
            b'Content-Type: a/b; name="\xfc"\n\n',
            b'("a" "b" ("name" {1}\r\n\xfc) NIL NIL "7bit" 0 NIL NIL NIL NIL)',
        ),
        (b"Content-Type: nonsense\n\nx", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL)'),
        (
            b"Content-Type: message/delivery-status\n\nx\n",
            b'("message" "delivery-status" NIL NIL NIL "7bit" 3 NIL NIL NIL NIL)',
        ),
    ],
)
def test_one_part(message: bytes, expected: bytes) -> None:
    assert structure(message) == expected


TWO_PARTS = b"""Content-Type: multipart/mixed; boundary=b
Content-Disposition: inline
Content-Language: en
Content-Location: l

--b

one
two
--b
Content-Type: message/rfc822

From: a@b
Subject: s (inner)

x
y

--b--
"""


def test_several_parts_and_a_message() -> None:
    assert structure(TWO_PARTS) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1 NIL NIL NIL NIL)'
        b'("message" "rfc822" NIL NIL NIL "7bit" 39 '
        b'(NIL "s (inner)" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL) '
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 2 NIL NIL NIL NIL) 5 NIL NIL NIL NIL)'
        b' "mixed" ("boundary" "b") ("inline" NIL) ("en") "l")'
    )


def test_body_is_the_same_without_extension_data() -> None:
    assert body_of(structure(TWO_PARTS)) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1)'
        b'("message" "rfc822" NIL NIL NIL "7bit" 39 '
        b'(NIL "s (inner)" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL) '
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 2) 5)'
        b' "mixed")'
    )


def test_body_keeps_strings_and_literals_whole() -> None:
    message = b'Content-Type: a/b; name="\xfc) (\\"x"; y="(z"\nContent-Description: ) {3}\nContent-MD5: m\n\n'
    assert body_of(structure(message)) == (b'("a" "b" ("name" {6}\r\n\xfc) ("x "y" "(z") NIL ") {3}" "7bit" 0)')


def test_message_global_is_a_message() -> None:
    # RFC 9051 §9 media-message
    found = structure(b"Content-Type: message/global\n\nSubject: s\n\nx\n")
    assert found.startswith(b'("message" "global" NIL NIL NIL "7bit" 17 (NIL "s" NIL')
    assert body_of(found).endswith(b'NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) 3)')
