"""Values to octets: strings, mailbox names, flags.

Standing rule: what we write as an atom or quoted string is one by RFC 3501, the strictest reader; anything else is a
literal.
"""

import re
from functools import lru_cache

from mailserverd.wire.imap import modified_utf7

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+\Z')
_PLAIN = re.compile(rb'[^\x00\r\n"\\\x80-\xff]*\Z')  # fits between quotes as it is
_QUOTABLE = re.compile(rb"[^\x00\r\n\x80-\xff]*\Z")
_MAX_QUOTED = 4096


def quoted(octets: bytes) -> bytes:
    """Octets known to hold no CR, LF, NUL or 8-bit."""
    return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(octets), octets)


def string(octets: bytes) -> bytes:
    """A quoted string where it can be one, else a literal."""
    if len(octets) <= _MAX_QUOTED:
        if _PLAIN.match(octets):
            return b'"%b"' % octets
        if _QUOTABLE.match(octets):
            return quoted(octets)
    return literal(octets)


def nstring(octets: bytes | None) -> bytes:
    return b"NIL" if octets is None else string(octets)


def astring(octets: bytes) -> bytes:
    """An atom where it can be one ("NIL" is not: it would be read as none)."""
    if _ATOM.match(octets) and octets.upper() != b"NIL":
        return octets
    return string(octets)


@lru_cache(maxsize=1024)
def mailbox(name: str) -> bytes:
    """A mailbox name as it stands in responses."""
    return astring(modified_utf7.encode(name))
