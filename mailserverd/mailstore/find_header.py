"""One message's header as searches look at it, by as many keys as there are.

Standing rules: encoded words are decoded before they are compared (RFC 9051 §6.4.4), or else "re" would be found in
their base64; octets that do not decode are searched as Latin-1 rather than not at all; what is decoded is decoded once
for all keys; of a long header never more is understood at a time than a few fields.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from mailserverd.mailstore.find_text import fold, is_plain, mark_of
from mailserverd.wire.mime.decode import decode_header
from mailserverd.wire.mime.headers import CODES, field_name, index_header, unfolded
from mailserverd.wire.mime.limits import MimeLimits

_RUN_OCTETS = 65_536  # of a long header
_UNBOUNDED = MimeLimits(header_octets=1 << 62, header_fields=1 << 62)
_bounds_at = Struct("<II").unpack_from
_iter_entries = Struct("<BII").iter_unpack


class Needle(NamedTuple):
    """folded: what is looked for; mark: what rules it out."""

    folded: str
    mark: bytes


class Name(NamedTuple):
    """lower: a field's name in lower case; code: its code in a header index, 0 for most."""

    lower: bytes
    code: int


def needle_of(text: str) -> Needle:
    folded = fold(text)
    return Needle(folded, mark_of(folded))


def name_of(name: str) -> Name:
    lower = name.encode("utf-8", "surrogateescape").lower()
    return Name(lower, CODES.get(lower, 0))


def header_text(header: bytes) -> str:
    """The whole header as it reads."""
    return fold(decode_header(header))


class Header:
    """A header with its index."""

    _lowered: bytes | None = None  # by default in the class: one is made for each message of a mailbox
    _is_plain = False
    _text: str | None = None
    _texts: dict[int, str] | None = None

    def __init__(self, octets: bytes, index: bytes) -> None:
        self._octets = octets
        self._index = index

    def _rules_out(self, mark: bytes) -> bool:
        lowered = self._lowered
        if lowered is None:
            lowered = self._lowered = self._octets.lower()
            self._is_plain = is_plain(lowered)
        return self._is_plain and mark not in lowered

    def has(self, needle: Needle) -> bool:
        """Anywhere in it."""
        if self._rules_out(needle.mark):
            return False
        if self._text is None:
            self._text = header_text(self._octets)
        return needle.folded in self._text

    def field_has(self, name: Name, needle: Needle) -> bool:
        """In the decoded value of a field of this name; "" asks for the field alone."""
        folded, mark = needle
        lower, code = name
        if not code and self._rules_out(mark):
            return False
        octets, index = self._octets, self._index
        codes = index[::9]
        at = codes.find(code)
        while at >= 0:
            start, end = _bounds_at(index, 9 * at + 1)
            field = octets[start:end]
            # is_plain() without a call
            may_hold = mark in field.lower() or b"=?" in field or not field.isascii() or b"\x1b" in field
            if may_hold and (code or field_name(field) == lower) and folded in self._value(start, field):
                return True
            at = codes.find(code, at + 1)
        return False

    def first(self, name: Name) -> bytes | None:
        """The unfolded value of the first field of this name."""
        for _, field in self._fields(name):
            return unfolded(field.partition(b":")[2])
        return None

    def _fields(self, name: Name) -> Iterator[tuple[int, bytes]]:
        """Where each field of this name begins, and its octets."""
        lower, code = name
        octets = self._octets
        for entry, start, end in _iter_entries(self._index):
            if entry == code and (code or field_name(octets[start:end]) == lower):
                yield start, octets[start:end]

    def _value(self, start: int, field: bytes) -> str:
        texts = self._texts
        if texts is None:
            texts = self._texts = {}
        text = texts.get(start)
        if text is None:
            text = texts[start] = fold(decode_header(unfolded(field.partition(b":")[2])))
        return text


class LongHeader(Header):
    """A header of any length, without an index: it is read in runs of whole fields, each by itself."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets, b"")
        self._run_texts: list[str] | None = None
        self._values: dict[Name, list[str]] = {}

    def has(self, needle: Needle) -> bool:
        if self._run_texts is None:
            self._run_texts = list(map(header_text, runs_of(self._octets)))
        return any(needle.folded in text for text in self._run_texts)

    def field_has(self, name: Name, needle: Needle) -> bool:
        folded = needle.folded
        if "\n" in folded:  # which joined values might hold at their seams
            return any(one.field_has(name, needle) for one in self._headers())
        values = self._values.get(name)
        if values is None:
            texts = ["".join([value + "\n" for value in one.values(name)]) for one in self._headers()]
            values = self._values[name] = [text for text in texts if text]
        return any(folded in text for text in values)

    def first(self, name: Name) -> bytes | None:
        found = (one.first(name) for one in self._headers())
        return next((value for value in found if value is not None), None)

    def _headers(self) -> Iterator["_Run"]:
        return (_Run(run, index_header(run, _UNBOUNDED)) for run in runs_of(self._octets))


class _Run(Header):
    """Some fields of a long header."""

    def values(self, name: Name) -> Iterator[str]:
        for start, field in self._fields(name):
            yield self._value(start, field)


def runs_of(header: bytes) -> Iterator[bytes]:
    """Whole fields, as many as 64 KiB hold, or one that is longer."""
    start, length = 0, len(header)
    while start < length:
        end = header.find(b"\n", start + _RUN_OCTETS) + 1
        while end and header[end : end + 1] in (b" ", b"\t"):
            end = header.find(b"\n", end) + 1
        end = end or length
        yield header[start:end]
        start = end
