"""Received and Return-Path: what is put before a message, and what is taken out of it.

Standing rules: what a client said of itself stands first in "from", what we saw stands in the comment after it
(RFC 5321 §4.4); no `for` where there are several recipients (§7.2); Return-Path is ours alone and first (§4.4).
"""

from collections.abc import Callable
from email.utils import formatdate
from ipaddress import ip_address
from typing import NamedTuple

_EXAMINED_AT_ONCE = 1_048_576  # octets of a header, in one call that lets no other thread run


class TlsSeen(NamedTuple):
    """version "TLSv1.3", cipher "TLS_AES_256_GCM_SHA384"."""

    version: str
    cipher: str


class HeaderFacts(NamedTuple):
    """received: how many Received fields; length: octets of the header, the empty line not counted."""

    received: int
    return_path: bool
    length: int


class DateLine:
    """The date of a trace line, made once a second. Standing rule: always UTC, said as +0000."""

    __slots__ = ("_second", "_text", "seconds")

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds
        self._second = -1
        self._text = b""

    def now(self) -> bytes:
        second = int(self.seconds())
        if second != self._second:
            self._second = second
            self._text = formatdate(second).replace("-0000", "+0000").encode("ascii")
        return self._text


def protocol_keyword(lmtp: bool, esmtp: bool, utf8: bool, tls: bool, authenticated: bool) -> str:
    """RFC 3848 and RFC 6531 §4.3."""
    if not esmtp:
        return "SMTP"
    base = ("UTF8" if utf8 else "") + ("LMTP" if lmtp else "SMTP" if utf8 else "ESMTP")
    return base + ("S" if tls else "") + ("A" if authenticated else "")


def address_literal(host: str) -> str:
    """An address as it stands in brackets (RFC 5321 §4.1.3)."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "[unknown]"
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def received_start(name: bytes, host: str, hostname: str, keyword: str, tls: TlsSeen | None) -> bytes:
    """The line up to and with "id ". name: of EHLO, checked by wire.smtp.parse_name."""
    seen = f"\r\n\t(using {tls.version} with cipher {tls.cipher})" if tls else ""
    start = f"Received: from %b ({address_literal(host)}){seen}\r\n\tby {hostname} with {keyword}\r\n\tid "
    return start.encode("ascii").replace(b"%b", name or b"unknown", 1)


def trace_prefix(reverse_path: bytes, received: bytes, queue_id: str, recipient: bytes | None, date: bytes) -> bytes:
    """Return-Path and Received. recipient: None where there are several."""
    if recipient is None:
        return b"Return-Path: <%b>\r\n%b%b;\r\n\t%b\r\n" % (reverse_path, received, queue_id.encode("ascii"), date)
    return b"Return-Path: <%b>\r\n%b%b\r\n\tfor <%b>;\r\n\t%b\r\n" % (
        reverse_path,
        received,
        queue_id.encode("ascii"),
        recipient,
        date,
    )


def examine(message: bytes) -> HeaderFacts:
    """What has to be known of a header before ours goes on top."""
    length = _header_length(message)
    received = return_path = 0
    for at in range(0, length, _EXAMINED_AT_ONCE):
        stop = min(at + _EXAMINED_AT_ONCE, length)
        received += _starts(message, at, stop, b"\r\nreceived:")
        return_path += _starts(message, at, stop, b"\r\nreturn-path")
    return HeaderFacts(received, return_path > 0, length)


def message_id_of(message: bytes) -> bytes:
    """What stands in the first Message-ID field, without angle brackets, at most 250 octets of it; or b""."""
    header = b"\r\n" + message[: min(_header_length(message), _EXAMINED_AT_ONCE)]
    start = header.lower().find(b"\r\nmessage-id:")
    if start < 0:
        return b""
    rest = header[start + len(b"\r\nmessage-id:") :][:1000]
    _, bracket, inner = rest.partition(b"<")
    inner, end, _ = inner.partition(b">")
    return inner.strip()[:250] if bracket and end else b""


def _header_length(message: bytes) -> int:
    if message[:2] == b"\r\n":
        return 0
    for at in range(0, len(message), _EXAMINED_AT_ONCE):
        end = message.find(b"\r\n\r\n", at, at + _EXAMINED_AT_ONCE + 3)
        if end >= 0:
            return end + 2
    return len(message)


def _starts(message: bytes, at: int, stop: int, field: bytes) -> int:
    """How often a field begins in at..stop; its line end stands before it, but for the first line of all."""
    octets = message[max(at - 2, 0) : stop + len(field) - 3].lower()
    return octets.count(field) + (at == 0 and octets.startswith(field[2:]))


def without_fields(message: bytes, length: int, name: bytes) -> bytes:
    """The message without the header fields of this (lower-case) name, folded lines included."""
    kept = []
    pos = start = 0
    while pos < length:
        end = _field_end(message, pos, length)
        field_name = message[pos : message.find(b":", pos, end)] if b":" in message[pos:end] else b""
        if field_name.rstrip(b" \t").lower() == name:
            kept.append(message[start:pos])
            start = end
        pos = end
    kept.append(message[start:])
    return b"".join(kept)


def _field_end(message: bytes, pos: int, length: int) -> int:
    while True:
        end = message.find(b"\r\n", pos, length)
        if end < 0:
            return length
        pos = end + 2
        if pos >= length or message[pos] not in b" \t":
            return pos
