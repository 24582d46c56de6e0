"""The message that tells a sender what became of a message: a multipart/report (RFC 6522, RFC 3464).

Standing rules: the report names each recipient once; of the original only the header goes back, cut to a bound, as
text/rfc822-headers (RFC 6522 §4), so that a bounce is never a way to mail somebody a body.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

MAX_RETURNED_OCTETS = 16_384


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """status: enhanced status code 5.x.x or 4.x.x (RFC 3463). why: one line. last_attempt: epoch seconds."""

    address: str
    status: str
    why: str
    last_attempt: int


@dataclass(frozen=True, slots=True)
class Notification:
    """One report. sender: whom it goes to. arrived: when the message was accepted. unique: makes ids and boundary."""

    hostname: str
    sender: str
    queue_id: str
    arrived: int
    now: int
    unique: str
    recipients: Sequence[FailedRecipient]
    original: bytes


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)[:900]


def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _address_type(address: str) -> str:
    """RFC 6533 §4: an address that is not ASCII has the type utf-8."""
    return f"rfc822; {address}" if address.isascii() else f"utf-8; {address}"


def returned_header(original: bytes) -> bytes:
    """The header of the original as lines that end in CRLF, whole lines only, at most MAX_RETURNED_OCTETS."""
    end = 0 if original[:2] == b"\r\n" else original.find(b"\r\n\r\n")
    header = (original[:end] if end >= 0 else original)[: 2 * MAX_RETURNED_OCTETS]
    lines = header.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"?").split(b"\n")
    kept = b"\r\n".join(lines).rstrip(b"\r\n") + b"\r\n"
    if len(kept) > MAX_RETURNED_OCTETS:
        kept = kept[: kept.rfind(b"\r\n", 0, MAX_RETURNED_OCTETS) + 2]
    return kept


def notification(report: Notification) -> bytes:
    """The whole message, from its From line to the closing boundary."""
    boundary = f"=_dsn_{report.unique}"
    header = returned_header(report.original)
    utf8 = not header.isascii() or any(not each.address.isascii() for each in report.recipients)
    parts = [
        _head(report, boundary, utf8),
        _part(boundary, "text/plain; charset=utf-8", "Notification", _words(report).encode(), utf8=True),
        _part(
            boundary,
            "message/global-delivery-status" if utf8 else "message/delivery-status",  # RFC 6533 §3
            "Delivery report",
            _fields(report).encode(),
            utf8,
        ),
        _part(
            boundary,
            "message/global-headers" if utf8 else "text/rfc822-headers",  # RFC 6533 §5
            "Header of the undelivered message",
            header,
            utf8,
        ),
        f"--{boundary}--\r\n".encode(),
    ]
    return b"".join(parts)


def _head(report: Notification, boundary: str, utf8: bool) -> bytes:
    sender = _line(report.sender)
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@{report.hostname}>\r\n"
        f"To: <{sender}>\r\n"
        "Subject: Undelivered mail\r\n"
        f"Date: {_date(report.now)}\r\n"
        f"Message-ID: <{report.unique}@{report.hostname}>\r\n"
        "Auto-Submitted: auto-replied\r\n"  # RFC 3834 §5
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="{boundary}"\r\n'
        f"Content-Transfer-Encoding: {'8bit' if utf8 else '7bit'}\r\n"
        "\r\n"
    ).encode()


def _part(boundary: str, kind: str, description: str, body: bytes, utf8: bool) -> bytes:
    encoding = "8bit" if utf8 and not body.isascii() else "7bit"
    head = (
        f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Description: {description}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    end = b"" if body.endswith(b"\r\n") else b"\r\n"
    return head.encode() + body + end + b"\r\n"


def _words(report: Notification) -> str:
    lines = [
        f"This is the mail system at {report.hostname}.",
        "",
        "Your message could not be delivered to one or more of its recipients.",
        "It was tried for as long as it could be; it will not be tried again.",
        "",
    ]
    lines += [f"  {_line(each.address)}: {_line(each.why)} ({each.status})" for each in report.recipients]
    lines += ["", "The header of your message follows the report below."]
    return "\r\n".join(lines) + "\r\n"


def _fields(report: Notification) -> str:
    """RFC 3464 §2.2 the fields about the message, §2.3 those about each recipient, parted by an empty line."""
    blocks = [
        f"Reporting-MTA: dns; {report.hostname}\r\n"
        f"X-Queue-ID: {_line(report.queue_id)}\r\n"
        f"Arrival-Date: {_date(report.arrived)}\r\n"
    ]
    blocks += [
        f"Final-Recipient: {_address_type(_line(each.address))}\r\n"
        "Action: failed\r\n"
        f"Status: {each.status}\r\n"
        f"Diagnostic-Code: X-mailserverd; {_line(each.why)}\r\n"
        f"Last-Attempt-Date: {_date(each.last_attempt)}\r\n"
        for each in report.recipients
    ]
    return "\r\n".join(blocks)
