"""Gathering: bounds, order, and nobody behind more than one large ticket."""

import time
from queue import SimpleQueue

from mailserverd.backends.lmdb.gathering import BatchLimits, Gathering
from mailserverd.backends.lmdb.ticket import Ticket


def ticket(octets: int = 0, large: bool = False) -> Ticket:
    return Ticket(lambda step: None, octets, 1, False, None, None, large)


def gathered(*tickets: Ticket | None, limits: BatchLimits = BatchLimits()) -> list[list[Ticket]]:
    """All batches until the end."""
    queue: SimpleQueue[Ticket | None] = SimpleQueue()
    for each in (*tickets, None):
        queue.put(each)
    gathering = Gathering(queue, limits)
    batches = []
    while not gathering.over:
        batches.append(gathering.next(None))
    return [batch for batch in batches if batch]


def test_what_waits_goes_together_in_its_order() -> None:
    small = [ticket() for _ in range(5)]
    assert gathered(*small) == [small]


def test_a_batch_has_a_bound_in_messages_and_in_octets() -> None:
    small = [ticket(10) for _ in range(5)]
    assert gathered(*small, limits=BatchLimits(messages=2)) == [small[:2], small[2:4], small[4:]]
    assert gathered(*small, limits=BatchLimits(octets=25)) == [small[:3], small[3:]]


def test_a_commit_has_one_large_ticket_at_most() -> None:
    large = [ticket(large=True) for _ in range(3)]
    assert gathered(*large) == [[each] for each in large]


def test_small_tickets_pass_large_ones_and_every_other_commit_has_none() -> None:
    large = [ticket(large=True) for _ in range(3)]
    small = [ticket() for _ in range(4)]
    batches = gathered(*large, *small, limits=BatchLimits(messages=1))
    assert batches == [[small[0]], [small[1], large[0]], [small[2]], [small[3], large[1]], [large[2]]]


def test_without_work_an_empty_batch_comes_at_the_deadline() -> None:
    gathering = Gathering(SimpleQueue(), BatchLimits())
    began = time.monotonic()
    assert gathering.next(began + 0.02) == []
    assert 0.015 < time.monotonic() - began < 5
    assert not gathering.over
