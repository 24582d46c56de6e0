"""Numbers as inclusive ranges (low, high): UIDs and message numbers, many of which are neighbours.

Standing rule: cost follows what is given, never the numbers that lie within a range.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Ranges = list[tuple[int, int]]


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


def outside(numbers: Sequence[int], ranges: Iterable[tuple[int, int]]) -> Sequence[int]:
    """Those of ascending numbers that are in none of the ranges."""
    apart = merged(ranges)
    if len(apart) == 1 and numbers and apart[0][0] <= numbers[0] and numbers[-1] <= apart[0][1]:
        return ()
    lows = [low for low, _ in apart]
    left = []
    for number in numbers:
        i = bisect_right(lows, number) - 1
        if i < 0 or number > apart[i][1]:
            left.append(number)
    return left
