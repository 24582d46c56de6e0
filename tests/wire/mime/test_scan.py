import pytest

from mailserverd.wire.mime.scan import scan


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b":",
        b" ",
        b"From",
        b"From: ",
        b"\r\n\r\n\r\n",
        b"\xff" * 300,
        b"From x\r\n\r\n",
    ],
)
def test_anything_is_a_message(octets: bytes) -> None:
    scanned = scan(octets)
    assert 0 <= scanned.body_start <= len(octets)
    assert scanned.envelope.count(b"NIL") >= 6


def test_a_message_that_begins_with_an_empty_line_has_no_header() -> None:
    scanned = scan(b"\r\nFrom: a@b\r\n\r\nx")
    assert scanned.body_start == 2
    assert scanned.header_index == b""
    assert scanned.body_structure == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 2 NIL NIL NIL NIL)'


def test_a_header_without_body() -> None:
    scanned = scan(b"From: a@b\r\nSubject: s")
    assert scanned.body_start == 21
    assert b'"s"' in scanned.envelope
    assert b'"7bit" 0 0' in scanned.body_structure


def test_sort_and_thread_keys() -> None:
    scanned = scan(
        b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nFrom: Jon Doe <JDoe@Machine.Example>\r\n"
        b"To: M <Mary@x>, z@x\r\nCc: C@x\r\nSubject: Re: Saying =?utf-8?q?H=C3=89llo?= \r\n"
        b"Message-ID: <2@x>\r\nReferences: <0@x>\r\n <1@x>\r\n\r\n"
    )
    assert scanned.sort_keys == (
        "saying héllo".encode(),
        880_127_706,
        b"jdoe",
        b"mary",
        b"c",
        b"jon doe",
        b"m",
    )
    assert scanned.thread_keys == (b"2@x", (b"0@x", b"1@x"), "saying héllo".encode(), True)


def test_keys_are_bounded() -> None:
    long = b"x" * 20_000
    scanned = scan(b"From: %b <%b@y>\r\nTo: \xff%b@z\r\nSubject: %b\r\n\r\n" % (long, long, long, long))
    assert max(len(key) for key in scanned.sort_keys if isinstance(key, bytes)) <= 512
    assert len(scanned.thread_keys.base_subject) <= 512
