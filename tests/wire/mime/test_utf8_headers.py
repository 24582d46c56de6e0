import pytest

from mailserverd.wire.mime.utf8_headers import has_utf8_headers

PARTS = (
    "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nPräambel\r\n--b\r\n"
    "Content-Type: image/png; name={}\r\n\r\nü\r\n--b\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: {}\r\n\r\nü\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Subject: x\r\n\r\nx\r\n", False),
        ("Subject: x\r\n\r\nü\r\n", False),
        ("Subject: ü\r\n\r\nx\r\n", True),
        ("Subject: ü\r\n", True),
        (PARTS.format("a", "b"), False),
        (PARTS.format("ä", "b"), True),
        (PARTS.format("a", "ö"), True),
    ],
)
def test_where_the_octets_stand(message: str, found: bool) -> None:
    assert has_utf8_headers(message.encode()) is found
