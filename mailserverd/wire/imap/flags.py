"""Flags as clients write them (RFC 9051 §2.3.2).

Standing rules: system flags get their one spelling; a keyword keeps the client's; \\Recent cannot be set by anyone.
"""

import re
from functools import lru_cache

from mailserverd.model.flags import MAX_KEYWORD_OCTETS, SYSTEM_FLAGS
from mailserverd.wire.imap.syntax_error import BadSyntax

_SPELLING = {name.lower().encode(): name for name, _ in SYSTEM_FLAGS}
_FLAG = rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+'
_FLAGS = re.compile(rb"\( *((?:%b(?: +%b)*)?) *\)" % (_FLAG, _FLAG))
_BARE = re.compile(rb"%b(?: +%b)*" % (_FLAG, _FLAG))
Flags = tuple[str, ...]


def match_flags(text: bytes, pos: int, bare: bool = False) -> tuple[Flags, int]:
    """A flag list at `pos`, or with `bare` flags without parentheses as STORE allows; and where it ends."""
    match = _FLAGS.match(text, pos)
    if match is not None:
        return flags_of(match[1]), match.end()
    match = _BARE.match(text, pos) if bare else None
    if match is None:
        raise BadSyntax("Expected a flag list")
    return flags_of(match[0]), match.end()


@lru_cache(maxsize=512)
def flags_of(text: bytes) -> Flags:
    """Flags parted by spaces, each once."""
    flags: dict[bytes, str] = {}
    for word in text.split():
        flags.setdefault(word.lower(), _flag(word))
    return tuple(flags.values())


def _flag(word: bytes) -> str:
    if word[:1] == b"\\":
        known = _SPELLING.get(word.lower())
        if known is None:  # flag-extension that we do not know, or \Recent, which RFC 9051 §9 forbids here
            raise BadSyntax(f"Flag {word.decode('ascii')} cannot be set")
        return known
    return keyword(word)


def keyword(word: bytes) -> str:
    """A keyword by itself, as in SEARCH KEYWORD."""
    if not word or len(word) > MAX_KEYWORD_OCTETS:
        raise BadSyntax("Keyword too long")
    return word.decode("ascii")
