"""Numbers as inclusive ranges (low, high): UIDs and message numbers, many of which are neighbours.

Standing rule: cost follows what is given, never the numbers that lie within a range.
"""

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
