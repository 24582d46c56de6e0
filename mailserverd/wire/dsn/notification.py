"""The message that tells a sender what became of a message: a multipart/report (RFC 6522, RFC 3464).

Standing rules: the report names each recipient once; of the original only the header goes back, cut to a bound, as
text/rfc822-headers (RFC 6522 §4), so that a bounce is never a way to mail somebody a body; all of it goes back where
its sender asked for that (RET=FULL, RFC 3461 §4.3), it failed and it is not large.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple

MAX_RETURNED_OCTETS = 16_384
MAX_RETURNED_WHOLE_OCTETS = 1_048_576


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """status: enhanced status code (RFC 3463). why: one line. last_attempt: epoch seconds.

    action        "failed", "delayed", "relayed", "delivered" or "expanded" (RFC 3464 §2.3.3)
    smtp_reply    whether `why` is what a server answered, its code first
    remote        the name of that server; original: ORCPT, "type;address" decoded
    retry_until   when it will be given up, of one that is delayed
    """

    address: str
    status: str
    why: str
    last_attempt: int
    action: str = "failed"
    smtp_reply: bool = False
    remote: str = ""
    original: str = ""
    retry_until: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """One report. sender: whom it goes to. arrived: when the message was accepted. unique: makes ids and boundary.

    envid: ENVID, decoded. whole: RET=FULL.
    """

    hostname: str
    sender: str
    queue_id: str
    arrived: int
    now: int
    unique: str
    recipients: Sequence[FailedRecipient]
    original: bytes
    envid: str = ""
    whole: bool = False


class _Words(NamedTuple):
    subject: str
    text: tuple[str, ...]
    returned: str


_WORDS = {
    "failed": _Words(
        "Undelivered mail",
        (
            "Your message could not be delivered to one or more of its recipients.",
            "It will not be tried again.",
        ),
        "undelivered message",
    ),
    "delayed": _Words(
        "Delayed mail (still being retried)",
        (
            "Your message could not be delivered yet to one or more of its recipients.",
            "You need not send it again: it is tried further, and you are told if it cannot be delivered.",
        ),
        "delayed message",
    ),
    "relayed": _Words(
        "Mail handed on",
        (
            "Your message was handed on to the server of one or more of its recipients, as you asked to be told.",
            "That server sends no reports: this is the last word on it.",
        ),
        "message",
    ),
}


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
    action = report.recipients[0].action if report.recipients else "failed"
    words = _WORDS.get(action, _WORDS["failed"])
    whole = report.whole and action == "failed" and _may_go_whole(report.original)
    header = returned_header(report.original)
    returned = report.original if whole else header
    utf8 = not header.isascii() or any(not each.address.isascii() for each in report.recipients)
    parts = [
        _head(report, boundary, words.subject, utf8 or not returned.isascii()),
        _part(boundary, "text/plain; charset=utf-8", "Notification", _words(report, words, whole).encode(), utf8=True),
        _part(
            boundary,
            "message/global-delivery-status" if utf8 else "message/delivery-status",  # RFC 6533 §3
            "Delivery report",
            _fields(report).encode(),
            utf8,
        ),
        _part(
            boundary,
            _returned_type(whole, utf8),
            f"{'The' if whole else 'Header of the'} {words.returned}",
            returned,
            utf8=True,
        ),
        f"--{boundary}--\r\n".encode(),
    ]
    return b"".join(parts)


def _may_go_whole(original: bytes) -> bool:
    return len(original) <= MAX_RETURNED_WHOLE_OCTETS and b"\0" not in original


def _returned_type(whole: bool, utf8: bool) -> str:
    if whole:
        return "message/global" if utf8 else "message/rfc822"  # RFC 6533 §5
    return "message/global-headers" if utf8 else "text/rfc822-headers"


def _head(report: Notification, boundary: str, subject: str, utf8: bool) -> bytes:
    sender = _line(report.sender)
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@{report.hostname}>\r\n"
        f"To: <{sender}>\r\n"
        f"Subject: {subject}\r\n"
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


def _words(report: Notification, words: _Words, whole: bool) -> str:
    lines = [f"This is the mail system at {report.hostname}.", "", *words.text, ""]
    lines += [f"  {_line(each.address)}: {_line(each.why)} ({each.status})" for each in report.recipients]
    lines += ["", f"{'Your message follows' if whole else 'The header of your message follows'} the report below."]
    return "\r\n".join(lines) + "\r\n"


def _fields(report: Notification) -> str:
    """RFC 3464 §2.2 the fields about the message, §2.3 those about each recipient, parted by an empty line."""
    envid = f"Original-Envelope-Id: {_line(report.envid)}\r\n" if report.envid else ""
    blocks = [
        f"{envid}Reporting-MTA: dns; {report.hostname}\r\n"
        f"X-Queue-ID: {_line(report.queue_id)}\r\n"
        f"Arrival-Date: {_date(report.arrived)}\r\n"
    ]
    return "\r\n".join(blocks + [_recipient_fields(each) for each in report.recipients])


def _recipient_fields(each: FailedRecipient) -> str:
    kind, _, original = each.original.partition(";")
    lines = [
        f"Original-Recipient: {_line(kind)}; {_line(original)}" if original else "",
        f"Final-Recipient: {_address_type(_line(each.address))}",
        f"Action: {each.action}",
        f"Status: {each.status}",
        f"Remote-MTA: dns; {_line(each.remote)}" if each.remote else "",
        f"Diagnostic-Code: {'smtp' if each.smtp_reply else 'X-mailserverd'}; {_line(each.why)}",
        f"Last-Attempt-Date: {_date(each.last_attempt)}",
        f"Will-Retry-Until: {_date(each.retry_until)}" if each.retry_until else "",
    ]
    return "".join(f"{line}\r\n" for line in lines if line)
