"""Text for SEARCH: case-folded, compared as substrings.

Standing rules: case and compatibility forms are folded, accents are not; what rules a needle out costs one look.
"""

import unicodedata
from collections.abc import Iterator

_FOLDED_AT_ONCE = 65_536  # characters


def fold(text: str) -> str:
    """RFC 9051 §6.4.4: case-insensitive; "é" in one code point or two is the same."""
    if text.isascii():
        return text.lower()
    if len(text) > _FOLDED_AT_ONCE:
        return "".join([fold(piece) for piece in _lines(text)])
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _lines(text: str) -> Iterator[str]:
    """In pieces that begin with a line end, which no letter before it is ever joined with: folding all of a large text
    in one call would keep every other thread waiting."""
    start, length = 0, len(text)
    while start < length:
        end = text.find("\n", start + _FOLDED_AT_ONCE // 2, start + _FOLDED_AT_ONCE)
        end = end if end > 0 else start + _FOLDED_AT_ONCE
        yield text[start:end]
        start = end


def mark_of(needle: str) -> bytes:
    """The longest word of a folded needle: where is_plain() octets, in lower case, do not hold it, no decoding of them
    holds the needle, for folding puts line breaks beside white space (RFC 5322 §2.2.3)."""
    return max(needle.split(), key=len, default="").encode("utf-8", "surrogatepass")


def is_plain(octets: bytes) -> bool:
    """Whether they read as they stand: ASCII without encoded words."""
    return octets.isascii() and b"=?" not in octets and b"\x1b" not in octets
