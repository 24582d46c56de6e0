import pytest

from mailserverd.wire.mime.parts import find_section
from mailserverd.wire.mime.scan import scan
from tests.wire.mime.leaves import leaves

# RFC 9051 §6.4.5.1, the example of part numbers: 1 text, 2 octets, 3 message (header, 3.1, 3.2), 4 multipart (4.1 gif,
# 4.2 message with 4.2.1 text and 4.2.2 multipart (4.2.2.1, 4.2.2.2)).
MESSAGE_OF_THE_RFC = b"""Subject: top
Content-Type: multipart/mixed; boundary=A

preamble
--A
Content-Type: text/plain

one
--A
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

dHdv
--A
Content-Type: message/rfc822

Subject: three
Content-Type: multipart/mixed; boundary=B

--B

three.one
--B
Content-Type: application/octet-stream

three.two
--B--
--A
Content-Type: multipart/mixed; boundary=C

--C
Content-Type: image/gif

four.one
--C
Content-Type: message/rfc822

Subject: four.two
Content-Type: multipart/mixed; boundary=D

--D
Content-Type: text/plain

four.two.one
--D
Content-Type: multipart/alternative; boundary=E

--E
Content-Type: text/plain

four.two.two.one
--E
Content-Type: text/richtext

four.two.two.two
--E--
--D--
--C--
--A--
epilogue
""".replace(b"\n", b"\r\n")
PART_MAP = scan(MESSAGE_OF_THE_RFC).part_map


def fetch(octets: bytes, number: tuple[int, ...], section: str | None = None) -> bytes | None:
    found = find_section(scan(octets).part_map, number, section)
    return None if found is None else octets[found[0] : found[1]]


@pytest.mark.parametrize(
    ("number", "content"),
    [
        ((1,), b"one"),
        ((2,), b"dHdv"),
        ((3, 1), b"three.one"),
        ((3, 2), b"three.two"),
        ((4, 1), b"four.one"),
        ((4, 2, 1), b"four.two.one"),
        ((4, 2, 2, 1), b"four.two.two.one"),
        ((4, 2, 2, 2), b"four.two.two.two"),
    ],
)
def test_part_numbers_of_the_rfc(number: tuple[int, ...], content: bytes) -> None:
    assert fetch(MESSAGE_OF_THE_RFC, number) == content


def test_header_text_and_mime_of_messages_within() -> None:
    whole = MESSAGE_OF_THE_RFC
    assert fetch(whole, (), "HEADER") == b"Subject: top\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n"
    assert (fetch(whole, (), "HEADER") or b"") + (fetch(whole, (), "TEXT") or b"") == whole == fetch(whole, ())
    assert fetch(whole, (3,), "MIME") == b"Content-Type: message/rfc822\r\n\r\n"
    assert fetch(whole, (3,), "HEADER") == b"Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    assert (fetch(whole, (3,), "HEADER") or b"") + (fetch(whole, (3,), "TEXT") or b"") == fetch(whole, (3,))
    assert (fetch(whole, (4, 2), "TEXT") or b"").startswith(b"--D\r\n")
    assert fetch(whole, (3, 1), "MIME") == b"\r\n"
    assert fetch(whole, (4, 2, 2), "MIME") == b"Content-Type: multipart/alternative; boundary=E\r\n\r\n"


@pytest.mark.parametrize(
    ("number", "section"),
    [
        ((0,), None),
        ((5,), None),
        ((1, 1), None),
        ((3, 3), None),
        ((4, 2, 2, 3), None),
        ((1,), "HEADER"),
        ((1,), "TEXT"),
        ((4,), "HEADER"),
        ((4, 2, 2), "TEXT"),
        ((), "MIME"),
        ((1 << 40,), None),
    ],
)
def test_what_is_not_there(number: tuple[int, ...], section: str | None) -> None:
    assert find_section(PART_MAP, number, section) is None


def test_a_message_that_is_one_text_has_a_part_1() -> None:
    octets = b"Subject: s\r\n\r\nbody\r\n"
    assert fetch(octets, (1,)) == fetch(octets, (), "TEXT") == b"body\r\n"
    assert fetch(octets, (1,), "MIME") == b"Subject: s\r\n\r\n"
    assert fetch(octets, (1, 1)) is None
    assert fetch(octets, (2,)) is None
    assert fetch(octets, (1,), "TEXT") is None


def test_a_text_within_a_message_is_its_part_1() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\n\r\ninner text\r\n--A--\r\n"
    )
    assert fetch(octets, (1,)) == b"Subject: inner\r\n\r\ninner text"
    assert fetch(octets, (1, 1)) == fetch(octets, (1,), "TEXT") == b"inner text"
    assert fetch(octets, (1, 1), "MIME") == fetch(octets, (1,), "HEADER") == b"Subject: inner\r\n\r\n"
    assert fetch(octets, (1, 1, 1)) is None


def test_a_message_that_is_a_message() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text"
    assert fetch(octets, (1,)) == b"Subject: inner\r\n\r\ninner text"
    assert fetch(octets, (1,), "HEADER") == b"Subject: inner\r\n\r\n"
    assert fetch(octets, (1,), "MIME") == b"Content-Type: message/rfc822\r\n\r\n"
    assert fetch(octets, (1, 1)) == fetch(octets, (1,), "TEXT") == b"inner text"
    assert fetch(octets, (), "TEXT") == fetch(octets, (1,))


def test_a_message_in_a_message_in_a_message() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 2 + b"Subject: inner\r\n\r\ntext"
    assert fetch(octets, (1, 1), "HEADER") == b"Subject: inner\r\n\r\n"
    assert fetch(octets, (1, 1, 1)) == b"text"
    assert fetch(octets, (1, 1, 1, 1)) is None


def test_leaves_in_order_with_their_numbers() -> None:
    assert [part.number for part in leaves(PART_MAP)] == [
        (1,),
        (2,),
        (3, 1),
        (3, 2),
        (4, 1),
        (4, 2, 1),
        (4, 2, 2, 1),
        (4, 2, 2, 2),
    ]
    for part in leaves(PART_MAP):
        assert find_section(PART_MAP, part.number, None) == (part.body_start, part.end)
    assert [part.is_text for part in leaves(PART_MAP)] == [True, False, True, False, False, True, True, True]
