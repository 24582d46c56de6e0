"""Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3), and "INBOX" in any case.

Standing rules: a name that we encode decodes to itself; two different octet strings for one name are not accepted
(superfluous shifts are BadName), but raw UTF-8 is, since clients send it.
"""

import binascii
import re
from functools import lru_cache

from mailserverd.model.mailbox import inbox_spelt
from mailserverd.wire.imap.syntax_error import BadName

_SHIFTED = re.compile("[^\x20-\x7e]+")
_RUN = re.compile(rb"&([^-]*)-")
MAX_NAME_OCTETS = 1024


def encode(name: str) -> bytes:
    if name.isascii() and name.isprintable():
        return name.replace("&", "&-").encode("ascii") if "&" in name else name.encode("ascii")
    return _SHIFTED.sub(_shift, name.replace("&", "&-")).encode("ascii")


def _shift(match: re.Match[str]) -> str:
    packed = binascii.b2a_base64(match[0].encode("utf-16-be", "surrogatepass"), newline=False).rstrip(b"=")
    return "&" + packed.replace(b"/", b",").decode("ascii") + "-"


@lru_cache(maxsize=512)
def decode(octets: bytes) -> str:
    """The mailbox name. Raises BadName."""
    if len(octets) > MAX_NAME_OCTETS:
        raise BadName("Mailbox name too long")
    if not octets.isascii():
        return _raw_utf8(octets)
    if b"&" not in octets:
        return octets.decode("ascii")
    pieces, at = [], 0
    for match in _RUN.finditer(octets):
        pieces.append(octets[at : match.start()].decode("ascii"))
        pieces.append(_unshift(match[1]))
        at = match.end()
    rest = octets[at:]
    name = "".join(pieces) + rest.decode("ascii")
    if b"&" in rest or encode(name) != octets:
        raise BadName("Mailbox name is not valid modified UTF-7")
    return name


def _raw_utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise BadName("Mailbox name is neither modified UTF-7 nor UTF-8") from None


def _unshift(run: bytes) -> str:
    if not run:
        return "&"
    try:
        packed = binascii.a2b_base64(run.replace(b",", b"/") + b"=" * (-len(run) % 4), strict_mode=True)
        return packed.decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError):
        raise BadName("Mailbox name is not valid modified UTF-7") from None


def mailbox_name(octets: bytes) -> str:
    """decode(), with INBOX in its one spelling."""
    return inbox_spelt(decode(octets))
