"""Commands to a server that is not ours (RFC 5321 §4.1.1), values to octets.

Standing rules: nothing that an address or a parameter holds can end a line or begin another parameter: an address is
one that our own server would read back as the same, a parameter has its characters checked here, last of all; what
fails is BadArgument and is never sent.
"""

import re
from typing import NamedTuple

from mailserverd.model.address import ascii_domain
from mailserverd.wire.smtp.path import NULL, BadPath, Path, parse_path

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_plain = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_esmtp_value = re.compile(r"[!-<>-~]+")  # RFC 5321 §4.1.2: any but "=", SP and controls
_helo_name = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
MAX_PLAIN_OCTETS = 254


class BadArgument(Exception):
    """Cannot be said in SMTP to this server. needs_utf8: it could where SMTPUTF8 is offered."""

    def __init__(self, why: str, needs_utf8: bool = False) -> None:
        super().__init__(why)
        self.needs_utf8 = needs_utf8


class MailParameters(NamedTuple):
    """Of MAIL; what has its default is not sent. size: octets (RFC 1870). body: RFC 6152, RFC 3030. envid: decoded
    (RFC 3461). by: "SECONDS;MODE" (RFC 2852)."""

    size: int = 0
    body: str = ""
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    require_tls: bool = False
    priority: int = 0
    by: str = ""


def hello(verb: str, name: str) -> bytes:
    """EHLO, HELO or LHLO."""
    if not _helo_name.fullmatch(name):
        raise BadArgument("our own name is not one that can be said in EHLO")
    return f"{verb} {name}\r\n".encode("ascii")


def mail(sender: bytes, given: MailParameters) -> bytes:
    """sender: what `wire_path` gave."""
    parts = [b"MAIL FROM:<%b>" % sender]
    if given.size:
        parts.append(b"SIZE=%d" % given.size)
    if given.body:
        parts.append(b"BODY=" + _value(given.body))
    if given.smtputf8:
        parts.append(b"SMTPUTF8")
    if given.ret:
        parts.append(b"RET=" + _value(given.ret))
    if given.envid:
        parts.append(b"ENVID=" + xtext(given.envid))
    if given.require_tls:
        parts.append(b"REQUIRETLS")
    if given.priority:
        parts.append(b"MT-PRIORITY=%d" % given.priority)
    if given.by:
        parts.append(b"BY=" + _value(given.by))
    return b" ".join(parts) + b"\r\n"


def rcpt(recipient: bytes, notify: str = "", orcpt: str = "") -> bytes:
    """recipient: what `wire_path` gave. notify, orcpt: in wire form."""
    if not notify and not orcpt:
        return b"RCPT TO:<%b>\r\n" % recipient
    parts = [b"RCPT TO:<%b>" % recipient]
    if notify:
        parts.append(b"NOTIFY=" + _value(notify))
    if orcpt:
        parts.append(b"ORCPT=" + _value(_embedded(orcpt) if orcpt[:6].lower() == "utf-8;" else orcpt))
    return b" ".join(parts) + b"\r\n"


def _value(text: str) -> bytes:
    if not _esmtp_value.fullmatch(text):
        raise BadArgument("a parameter holds what no parameter can")
    return text.encode("ascii")


def _embedded(text: str) -> str:
    """RFC 6533 §3: what is no QCHAR as EmbeddedUnicodeChar, which any server takes; those that are there stay."""
    return "".join(each if each.isascii() and each not in "+=" else f"\\x{{{ord(each):X}}}" for each in text)


def xtext(text: str) -> bytes:
    """RFC 3461 §4: anything but printable ASCII, and "+" and "=", as +XX; UTF-8 by its octets."""
    return b"".join(
        b"%c" % octet if 33 <= octet <= 126 and octet not in b"+=" else b"+%02X" % octet
        for octet in text.encode(errors="replace")
    )


def wire_path(address: str, utf8: bool, forward: bool = True) -> bytes:
    """What stands between the angle brackets for local@domain with an unquoted local part.

    utf8: SMTPUTF8 is offered and used. Without it a domain goes as A-labels, and a local part that is not ASCII not
    at all (RFC 6531 §3.2). Raises BadArgument.
    """
    if len(address) <= MAX_PLAIN_OCTETS and _plain.fullmatch(address):
        return address.encode("ascii")
    if not address and not forward:
        return b""
    return _other_path(address, utf8, forward)


def _other_path(address: str, utf8: bool, forward: bool) -> bytes:
    local, mark, domain = address.rpartition("@")
    if not mark:
        local, domain = domain, ""
    if not utf8:
        if not local.isascii():
            raise BadArgument("the address needs SMTPUTF8, which the server does not offer", needs_utf8=True)
        domain = ascii_domain(domain.lower())
    try:
        path = Path(local.encode(), domain.encode())
        written = path.wire
        read, end = parse_path(b"<%b>" % written, 0, forward)
    except (BadPath, UnicodeEncodeError):
        raise BadArgument("not an address that SMTP can carry") from None
    if end != len(written) + 2 or read != path or read == NULL:
        raise BadArgument("not an address that SMTP can carry")
    return written
