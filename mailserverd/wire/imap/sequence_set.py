"""Sequence sets (RFC 9051 §9): sets of message numbers or UIDs as written by the client, and as we write them.

Standing rules: "*" is STAR until it is resolved against the largest number there is; a resolved set is sorted,
disjoint and inclusive; cost follows the ranges, never the numbers in them.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mailserverd.model.number_ranges import Ranges, merged, ranges_of
from mailserverd.wire.imap.syntax_error import BadSyntax

STAR = 1 << 32
_MAX = 0xFFFFFFFF
_SET = re.compile(rb"[0-9*:,]+")
_ONE = re.compile(rb"[1-9][0-9]{0,9}(?=[ )]|$)")


class SequenceSet(NamedTuple):
    """ranges: in the order written, either end may be STAR and the ends may be swapped."""

    ranges: tuple[tuple[int, int], ...]


def match_set(text: bytes, pos: int) -> tuple[SequenceSet, int]:
    """The set at `pos` and where it ends. Raises BadSyntax."""
    one = _ONE.match(text, pos)
    if one is not None:
        number = int(one[0])
        if number <= _MAX:
            return SequenceSet(((number, number),)), one.end()
    match = _SET.match(text, pos)
    if match is None:
        raise BadSyntax("Expected a sequence set")
    return parse_set(match[0]), match.end()


def parse_set(text: bytes) -> SequenceSet:
    """Raises BadSyntax."""
    ranges = []
    for piece in text.split(b","):
        first, colon, last = piece.partition(b":")
        low = _number(first)
        ranges.append((low, _number(last) if colon else low))
    return SequenceSet(tuple(ranges))


def _number(text: bytes) -> int:
    if text == b"*":
        return STAR
    if text.isdigit() and len(text) <= 10 and text[:1] != b"0":  # nz-number
        value = int(text)
        if value <= _MAX:
            return value
    raise BadSyntax("Bad number in a sequence set")


def resolve(numbers: SequenceSet, largest: int) -> Ranges:
    """Sorted, disjoint ranges; STAR is `largest` (so that 5:* holds the last message even below 5)."""
    ranges = []
    for low, high in numbers.ranges:
        if low == STAR:
            low = largest
        if high == STAR:
            high = largest
        ranges.append((low, high) if low <= high else (high, low))
    return merged(ranges) if len(ranges) > 1 else ranges


def format_numbers(numbers: Sequence[int]) -> bytes:
    """Numbers in the order given, which COPYUID needs (RFC 4315 §3), rising runs joined: 1:3,7. Empty for none."""
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges_of(numbers)])
