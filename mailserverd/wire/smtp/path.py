"""Reverse-paths and forward-paths of MAIL and RCPT (RFC 5321 §4.1.2, RFC 6531 §3.3).

    Path         = "<" [ A-d-l ":" ] Mailbox ">"
    Mailbox      = Local-part "@" ( Domain / address-literal )
    Local-part   = Dot-string / Quoted-string
    Domain       = sub-domain *("." sub-domain)       sub-domain also takes "_", which real hosts have

Standing rules: the common form is one regular expression over bounded input; the rest goes octet by octet;
quoted local parts come out unquoted; a source route is read and ignored (RFC 5321 §3.3, appendix C).
"""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

MAX_PATH_OCTETS = 256  # RFC 5321 §4.5.3.1.3
MAX_DOMAIN_OCTETS = 255  # RFC 5321 §4.5.3.1.2
MAX_LABEL_OCTETS = 63  # RFC 1035 §2.3.4

_ATEXT = rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_ATOM = rb"[\x80-\xff" + _ATEXT + rb"]+"
_LABEL = rb"[A-Za-z0-9_\x80-\xff-]+"
DOT_STRING = _ATOM + rb"(?:\." + _ATOM + rb")*"
DOMAIN = _LABEL + rb"(?:\." + _LABEL + rb")*"
_dot_string = re.compile(DOT_STRING)
_domain = re.compile(DOMAIN)
_quoted = re.compile(rb'"((?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*)"')
_escape = re.compile(rb"\\(.)", re.DOTALL)
_route = re.compile(rb"@" + DOMAIN + rb"(?:,@" + DOMAIN + rb")*:")
_literal = re.compile(rb"\[([\x21-\x5a\x5e-\x7e]{1,120})\]")
_general = re.compile(rb"[A-Za-z0-9-]*[A-Za-z0-9]:[\x21-\x5a\x5e-\x7e]+")


class BadPath(ValueError):
    """Not a path; the message is a line for the client."""


class Path(NamedTuple):
    """local: unquoted octets; domain: as given, b"" in the null path and in <postmaster>; "[...]" for a literal."""

    local: bytes
    domain: bytes

    @property
    def is_null(self) -> bool:
        return not self.local and not self.domain

    @property
    def address(self) -> str:
        """local@domain as text; both were checked to be UTF-8."""
        local, domain = self.local.decode(), self.domain.decode()
        return f"{local}@{domain}" if domain else local

    @property
    def wire(self) -> bytes:
        """What stands between the angle brackets, without a route, quoted where it must be."""
        local = self.local
        if local and not _dot_string.fullmatch(local):
            local = b'"' + re.sub(rb'(["\\])', rb"\\\1", local) + b'"'
        return local + b"@" + self.domain if self.domain else local

    @property
    def is_ascii(self) -> bool:
        return self.local.isascii() and self.domain.isascii()


NULL = Path(b"", b"")


def is_domain(text: bytes) -> bool:
    """Whether `text` (already of DOMAIN's alphabet) is a possible domain: label lengths, no hyphen at an edge."""
    if len(text) > MAX_DOMAIN_OCTETS:
        return False
    if len(text) > MAX_LABEL_OCTETS and max(map(len, text.split(b"."))) > MAX_LABEL_OCTETS:
        return False
    if b"-" in text and (text[0] == 45 or text[-1] == 45 or b"-." in text or b".-" in text):
        return False
    return text.isascii() or _is_utf8(text)


def is_literal(text: bytes) -> bool:
    """Whether `text` is an address literal with its brackets (RFC 5321 §4.1.3)."""
    found = _literal.fullmatch(text)
    if not found:
        return False
    inner = found[1]
    try:
        if inner[:5].lower() == b"ipv6:":
            IPv6Address(inner[5:].decode("ascii"))
        elif b":" not in inner:
            IPv4Address(inner.decode("ascii"))
        else:
            return _general.fullmatch(inner) is not None
    except ValueError:
        return False
    return True


def parse_path(text: bytes, pos: int, forward: bool) -> tuple[Path, int]:
    """The path that begins at text[pos] and the place after its ">".

    forward: <postmaster> without a domain is a path (RFC 5321 §4.5.1), the null path is not.
    """
    if text[pos : pos + 1] != b"<":
        raise BadPath("an address stands in angle brackets")
    start = pos
    pos += 1
    if text[pos : pos + 1] == b">":
        if forward:
            raise BadPath("a recipient cannot be null")
        return NULL, pos + 1
    if text[pos : pos + 1] == b"@":
        route = _route.match(text, pos)
        if not route:
            raise BadPath("bad source route")
        pos = route.end()
    local, pos = _local(text, pos)
    if text[pos : pos + 1] == b">" and forward and local.lower() == b"postmaster":
        return Path(local, b""), pos + 1
    if text[pos : pos + 1] != b"@":
        raise BadPath("bad local part, or no domain")
    domain, pos = _domain_part(text, pos + 1)
    if text[pos : pos + 1] != b">":
        raise BadPath("bad address")
    if pos + 1 - start > MAX_PATH_OCTETS:
        raise BadPath("address too long")
    return Path(local, domain), pos + 1


def _local(text: bytes, pos: int) -> tuple[bytes, int]:
    if text[pos : pos + 1] == b'"':
        quoted = _quoted.match(text, pos)
        if not quoted:
            raise BadPath("bad quoted local part")
        local, pos = _escape.sub(rb"\1", quoted[1]), quoted.end()
    else:
        found = _dot_string.match(text, pos)
        if not found:
            raise BadPath("bad local part")
        local, pos = found[0], found.end()
    if not local:
        raise BadPath("empty local part")
    if not local.isascii() and not _is_utf8(local):
        raise BadPath("local part is not UTF-8")
    return local, pos


def _domain_part(text: bytes, pos: int) -> tuple[bytes, int]:
    found = _literal.match(text, pos) or _domain.match(text, pos)
    if not found:
        raise BadPath("bad domain")
    domain = found[0]
    if not (is_literal(domain) if domain[:1] == b"[" else is_domain(domain)):
        raise BadPath("bad domain")
    return domain, found.end()


def _is_utf8(text: bytes) -> bool:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return False
    # C1 controls and separators have no place in an address (RFC 6532 §3.1 takes UTF8-non-ascii; these break logs).
    return decoded.isprintable()
