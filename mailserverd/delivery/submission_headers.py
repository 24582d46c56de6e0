"""What a submission server puts right in a message (RFC 6409 §8): Date and Message-ID added, Bcc taken out.

Standing rule: nothing else of a user's message is touched.
"""

from mailserverd.delivery.trace_headers import examine, without_fields


def complete(message: bytes, date: bytes, message_id: bytes) -> bytes:
    """message_id: without angle brackets. A message without a header gets one."""
    length = examine(message).length
    header = b"\r\n" + message[:length].lower()
    if _has(header, b"bcc"):
        message = without_fields(message, length, b"bcc")  # RFC 5322 §3.6.3, RFC 6409 §8.4 leaves it to us
    added = b""
    if not _has(header, b"date"):
        added += b"Date: " + date + b"\r\n"
    if not _has(header, b"message-id"):
        added += b"Message-ID: <" + message_id + b">\r\n"
    return added + message if added else message


def take_class(message: bytes) -> tuple[bytes, str]:
    """The message without X-Mail-Class, and the class that it named, "" without one."""
    length = examine(message).length
    header = b"\r\n" + message[:length].lower()
    start = header.find(b"\r\nx-mail-class:")
    if start < 0:
        return message, ""
    value = message[start + len(b"x-mail-class:") : message.find(b"\r\n", start)]
    return without_fields(message, length, b"x-mail-class"), value[:100].strip().decode("ascii", "replace")


def _has(header: bytes, name: bytes) -> bool:
    """Whether a lower-cased header has this field, white space before the colon let pass (RFC 5322 §4.5)."""
    start = header.find(b"\r\n" + name)
    while start >= 0:
        after = header[start + 2 + len(name) : start + 2 + len(name) + 200].lstrip(b" \t")
        if after[:1] == b":":
            return True
        start = header.find(b"\r\n" + name, start + 1)
    return False
