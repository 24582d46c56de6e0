"""model/number_ranges.py: ranges say the same numbers, and no more of them than are needed."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.model.number_ranges import merged, outside, ranges_of

FEW = st.lists(st.integers(1, 40), max_size=30)


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [
        ([], []),
        ([1], [(1, 1)]),
        ([1, 2, 3, 5, 7, 8], [(1, 3), (5, 5), (7, 8)]),
        ([3, 2, 1, 7, 8], [(3, 3), (2, 2), (1, 1), (7, 8)]),
    ],
)
def test_ranges_of(numbers: list[int], ranges: list[tuple[int, int]]) -> None:
    assert ranges_of(numbers) == ranges


@settings(max_examples=100, deadline=None)
@given(FEW)
def test_ranges_hold_the_numbers_in_their_order(numbers: list[int]) -> None:
    assert [n for low, high in ranges_of(numbers) for n in range(low, high + 1)] == numbers


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=12))
def test_merged_ranges_hold_the_same_numbers_once(pairs: list[tuple[int, int]]) -> None:
    ranges = [(low, low + more) for low, more in pairs]
    found = merged(ranges)
    assert [n for low, high in found for n in range(low, high + 1)] == sorted(
        {n for low, high in ranges for n in range(low, high + 1)}
    )
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(found))


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(1, 40), max_size=20), st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=6))
def test_outside_are_those_that_no_range_holds(numbers: set[int], pairs: list[tuple[int, int]]) -> None:
    ranges = [(low, low + more) for low, more in pairs]
    wanted = [n for n in sorted(numbers) if not any(low <= n <= high for low, high in ranges)]
    assert list(outside(sorted(numbers), ranges)) == wanted
