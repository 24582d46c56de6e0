"""IMAP strings (RFC 9051 §4.3): quoted where it can be, literal where it must be.

A quoted string never holds CR, LF, NUL or an octet above 127: RFC 3501 has no 8-bit in it, and a message's raw 8-bit
header is in no known charset, so it goes out as a literal with the octets it came with.
"""

import re

NIL = b"NIL"

_is_plain = re.compile(rb'[^"\\\x00\r\n\x80-\xff]*+').fullmatch
_is_quotable = re.compile(rb"[^\x00\r\n\x80-\xff]*+").fullmatch

# Longer than this and some clients' line buffers suffer (RFC 7162 §4 asks for at least 8192 octets a line).
_MAX_QUOTED = 4_096


def string(octets: bytes) -> bytes:
    """The octets as an IMAP string."""
    if len(octets) <= _MAX_QUOTED:
        if _is_plain(octets):
            return b'"%b"' % octets
        if _is_quotable(octets):
            return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"{%d}\r\n%b" % (len(octets), octets)


def nstring(octets: bytes | None) -> bytes:
    """The octets as an IMAP nstring; None is NIL."""
    return NIL if octets is None else string(octets)
