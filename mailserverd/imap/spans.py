"""Spans: positions in a session's view of its mailbox, half open, ascending, disjoint.

Standing rule: cost follows the spans, never the messages in them, as long as nobody asks for each position.
"""

from collections.abc import Iterable, Sequence

from mailserverd.model.number_ranges import ranges_of

Spans = list[tuple[int, int]]


def spans_at(positions: Sequence[int]) -> Spans:
    """Ascending positions as spans."""
    return [(first, last + 1) for first, last in ranges_of(positions)]


def steps(spans: Spans, size: int) -> Iterable[Spans]:
    """The same positions in runs of at most `size`."""
    step: Spans = []
    room = size
    for start, stop in spans:
        while stop - start > room:
            if room:
                step.append((start, start + room))
            yield step
            start, step, room = start + room, [], size
        if start < stop:
            step.append((start, stop))
            room -= stop - start
    if step:
        yield step


def positions_of(spans: Spans) -> Sequence[int]:
    if len(spans) == 1:
        return range(*spans[0])
    return [i for start, stop in spans for i in range(start, stop)]
