"""Text of messages for SEARCH: decoded, case-folded, compared as substrings.

Standing rules: octets that do not decode are searched as Latin-1 rather than not at all; encoded words are decoded
before they are compared (RFC 9051 §6.4.4), or else "re" would be found in their base64; case and compatibility forms
are folded, accents are not.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from mailserverd.wire.mime.decode import decode_header
from mailserverd.wire.mime.headers import field_values

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


class Needles:
    """What one search looks for, folded once."""

    __slots__ = ("_folded", "_marks")

    def __init__(self) -> None:
        self._folded: dict[str, str] = {}
        self._marks: dict[str, bytes] = {}

    def may_be_in(self, needle: str, header: bytes) -> bool:
        """False: no decoding would find this folded needle in the header, or in one of its fields.

        Told by one look at its octets where they are all ASCII without encoded words: folding puts its line breaks
        beside white space (RFC 5322 §2.2.3), so a word of the needle stands in the octets as a whole.
        """
        mark = self._marks.get(needle)
        if mark is None:
            longest = max(needle.split(), key=len, default="")
            mark = self._marks[needle] = longest.encode("utf-8", "surrogatepass")
        return mark in header.lower() or not _is_plain(header)

    def fold(self, needle: str) -> str:
        found = self._folded.get(needle)
        if found is None:
            found = self._folded[needle] = fold(needle)
        return found


def header_has(header: bytes, header_index: bytes, name: str, needle: str) -> bool:
    """A field of this name with the needle in its decoded value; "" asks for the field alone."""
    return any(needle in text for text in field_texts(header, header_index, name))


@lru_cache(maxsize=8)
def field_texts(header: bytes, header_index: bytes, name: str) -> tuple[str, ...]:
    """The fields of this name as they read; kept for a moment, since one query may ask for many needles."""
    values = field_values(header, header_index, name.encode("utf-8", "surrogateescape"))
    return tuple([fold(decode_header(value)) for value in values])


def _is_plain(header: bytes) -> bool:
    return header.isascii() and b"=?" not in header and b"\x1b" not in header


@lru_cache(maxsize=4)
def header_text(header: bytes) -> str:
    """The whole header as it reads."""
    return fold(decode_header(header))
