"""Sequence sets (RFC 9051 §9): sets of message numbers or UIDs as written by the client, and as we write them.

Standing rules: "*" is STAR until it is resolved against the largest number there is; a resolved set is sorted,
disjoint and inclusive; cost follows the ranges, never the numbers in them.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mailserverd.wire.imap.syntax_error import BadSyntax

STAR = 1 << 32
_MAX = 0xFFFFFFFF
_SET = re.compile(rb"[0-9*:,]+")
_ONE = re.compile(rb"[1-9][0-9]{0,9}(?=[ )]|$)")
Ranges = list[tuple[int, int]]


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


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same numbers as sorted, disjoint ranges."""
    result: Ranges = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            if high > result[-1][1]:
                result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return result


def ranges_of(numbers: Sequence[int]) -> Ranges:
    """Numbers in the order given, rising runs as ranges."""
    result: Ranges = []
    if not numbers:
        return result
    low = high = numbers[0]
    for number in numbers[1:]:
        if number == high + 1:
            high = number
        else:
            result.append((low, high))
            low = high = number
    result.append((low, high))
    return result


def format_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges])


def format_numbers(numbers: Sequence[int]) -> bytes:
    """Numbers in the order given, which COPYUID needs (RFC 4315 §3), rising runs joined: 1:3,7. Empty for none."""
    return format_ranges(ranges_of(numbers))
