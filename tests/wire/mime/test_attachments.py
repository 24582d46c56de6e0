import pytest

from mailserverd.wire.mime.scan import scan


def names(octets: bytes) -> list[tuple[tuple[int, ...], bytes, str | None]]:
    found = scan(octets.replace(b"\n", b"\r\n")).attachments
    return [(attachment.number, attachment.media_type, attachment.name) for attachment in found]


def mixed(subtype: bytes, *parts: bytes) -> bytes:
    return (
        b"Content-Type: multipart/%b; boundary=b\n\n" % subtype
        + b"".join(b"--b\n%b\n" % part for part in parts)
        + b"--b--\n"
    )


TEXT = b"\ntext"
HTML = b"Content-Type: text/html\n\nhtml"
PDF = b"Content-Type: application/pdf; name=a.pdf\n\npdf"
IMAGE = b"Content-Type: image/png; name=i.png\n\npng"
SIGNATURE = b"Content-Type: application/pgp-signature; name=signature.asc\n\nsig"
ATTACHED_TEXT = b"Content-Disposition: attachment; filename*=utf-8''%C3%BC.txt\n\ntext"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (TEXT, []),
        (HTML, []),
        (PDF, [((1,), b"application/pdf", "a.pdf")]),
        (ATTACHED_TEXT, [((1,), b"text/plain", "ü.txt")]),
        (mixed(b"alternative", TEXT, HTML), []),
        (mixed(b"mixed", TEXT, PDF), [((2,), b"application/pdf", "a.pdf")]),
        (mixed(b"mixed", TEXT, TEXT), []),
        (mixed(b"mixed", TEXT, ATTACHED_TEXT), [((2,), b"text/plain", "ü.txt")]),
        (mixed(b"related", HTML, IMAGE), []),
        (mixed(b"mixed", TEXT, IMAGE), [((2,), b"image/png", "i.png")]),
        (mixed(b"signed", TEXT, SIGNATURE), []),
        (
            mixed(b"mixed", TEXT, b"Content-Type: message/rfc822\n\nSubject: x\n\ny"),
            [((2,), b"message/rfc822", None)],
        ),
        (mixed(b"alternative", TEXT, b"Content-Type: text/calendar; method=REQUEST; name=i.ics\n\nx"), []),
    ],
)
def test_attachments(message: bytes, expected: object) -> None:
    assert names(message) == expected


def test_size_is_that_in_the_message() -> None:
    (attachment,) = scan(b"Content-Type: a/b\r\n\r\n12345").attachments
    assert attachment.size == 5
