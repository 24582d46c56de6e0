from mailserverd.wire.mime.headers import read_header
from mailserverd.wire.mime.structure import (
    BASE64,
    IDENTITY,
    LEAF,
    MESSAGE,
    MULTIPART,
    QUOTED_PRINTABLE,
    UNKNOWN,
    UUENCODE,
    Facts,
    facts_of_header,
    facts_of_values,
)


def facts(header: bytes, digest: bool = False, opaque: bool = False, max_boundary: int = 70) -> Facts:
    found = facts_of_header(header, digest, opaque, max_boundary)
    if not digest:
        assert facts_of_values(read_header(header)[1], False, opaque, max_boundary) == found
    return found


def test_defaults() -> None:
    # RFC 2045 §5.2
    plain = facts(b"")
    assert (plain.kind, plain.media, plain.subtype, plain.encoding, plain.charset) == (
        LEAF,
        b"text",
        b"plain",
        IDENTITY,
        None,
    )
    assert facts(b"", digest=True).kind == MESSAGE
    assert facts(b"Content-Type: broken", digest=True).media == b"text"


def test_encodings() -> None:
    names = (b"7bit", b"8BIT", b"binary", b"Base64", b"quoted-printable", b"x-uuencode", b"x-other", b"<>")
    found = [facts(b"Content-Transfer-Encoding: " + name).encoding for name in names]
    assert found == [IDENTITY, IDENTITY, IDENTITY, BASE64, QUOTED_PRINTABLE, UUENCODE, UNKNOWN, IDENTITY]


def test_boundary() -> None:
    assert facts(b'Content-Type: multipart/x; boundary="a b "\r\n').delimiter == b"--a b"
    assert facts(b"Content-Type: multipart/x; boundary*0=a; boundary*1=b").delimiter == b"--ab"
    assert facts(b"Content-Type: multipart/x; boundary=" + b"a" * 71).kind == LEAF
    assert facts(b"Content-Type: multipart/x; boundary=" + b"a" * 70).kind == MULTIPART


def test_opaque_is_an_octet_stream() -> None:
    for field in (b"Content-Type: multipart/x; boundary=a", b"Content-Type: message/rfc822"):
        found = facts(field, opaque=True)
        assert (found.kind, found.media, found.subtype) == (LEAF, b"application", b"octet-stream")
        assert b'"application" "octet-stream"' in found.head
    assert facts(b"Content-Type: image/png", opaque=True).media == b"image"


def test_names() -> None:
    assert facts(b"Content-Type: a/b; name=x.txt").name == "x.txt"
    assert facts(b"Content-Type: a/b; name=x.txt\r\nContent-Disposition: attachment; filename=y.txt").name == "y.txt"
    assert facts(b"Content-Disposition: ATTACHMENT").disposition == b"attachment"


def test_long_headers_are_read_too() -> None:
    header = b"Content-Type: image/png; name=" + b"n" * 600 + b"\r\n\r\n"
    assert facts(header).name == "n" * 600


def test_the_first_of_two_counts() -> None:
    assert facts(b"Content-Type: a/b\r\nContent-Type: c/d\r\n").media == b"a"
