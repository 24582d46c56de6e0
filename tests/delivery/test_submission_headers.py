"""delivery/submission_headers.py: RFC 6409 §8."""

import pytest

from mailserverd.delivery.submission_headers import complete


@pytest.mark.parametrize(
    ("message", "completed"),
    [
        (b"Date: d\r\nMessage-ID: <m>\r\n\r\nb", b"Date: d\r\nMessage-ID: <m>\r\n\r\nb"),
        (b"From: a\r\n\r\nb", b"Date: NOW\r\nMessage-ID: <id>\r\nFrom: a\r\n\r\nb"),
        (b"dAtE : d\r\n\r\nb", b"Message-ID: <id>\r\ndAtE : d\r\n\r\nb"),
        (b"Date-X: d\r\nMessage-ID: <m>\r\n\r\nb", b"Date: NOW\r\nDate-X: d\r\nMessage-ID: <m>\r\n\r\nb"),
        (b"Resent-Date: d\r\nMessage-ID: <m>\r\n\r\nb", b"Date: NOW\r\nResent-Date: d\r\nMessage-ID: <m>\r\n\r\nb"),
        (
            b"Date: d\r\nBcc: a,\r\n b\r\nMessage-ID: <m>\r\nBCC: c\r\n\r\nBcc: x",
            b"Date: d\r\nMessage-ID: <m>\r\n\r\nBcc: x",
        ),
        (b"\r\nDate: body", b"Date: NOW\r\nMessage-ID: <id>\r\n\r\nDate: body"),
        (b"Date-Y: 1\r\nDate: d\r\nMessage-ID: <m>\r\n\r\n", b"Date-Y: 1\r\nDate: d\r\nMessage-ID: <m>\r\n\r\n"),
    ],
)
def test_complete(message: bytes, completed: bytes) -> None:
    assert complete(message, b"NOW", b"id") == completed
