"""What is summed up of the queue: recipients by state and class, and for each destination how many there are and when
the first is due.

Standing rule: a plan gathers its changes here and writes each record once, at its end.
"""

from mailserverd.backends.lmdb.queue_records import COUNT, DESTINATION, NEXT, PAIR, count_key, counted_by
from mailserverd.backends.lmdb.step import Step
from mailserverd.interfaces.queue_store import Counted
from mailserverd.model.queue_entry import State


class Books:
    """Of one run of a plan."""

    __slots__ = ("_counts", "_destinations", "_step")

    def __init__(self, step: Step) -> None:
        self._step = step
        self._counts: dict[bytes, tuple[int, int]] = {}
        self._destinations: dict[bytes, tuple[int, int | None]] = {}

    def count(self, state: State, mail_class: str, created: int, change: int) -> None:
        key = count_key(state, mail_class, created)
        known = self._counts.get(key)
        self._counts[key] = (change, created) if known is None else (known[0] + change, min(known[1], created))

    def placed(self, destination: bytes, due: int, recipients: int = 1) -> None:
        change, first = self._destinations.get(destination, (0, None))
        self._destinations[destination] = (change + recipients, due if first is None else min(first, due))

    def taken(self, destination: bytes) -> None:
        change, first = self._destinations.get(destination, (0, None))
        self._destinations[destination] = (change - 1, first)

    def close(self) -> None:
        step = self._step
        for key, (change, oldest) in self._counts.items():
            if change:
                value = step.get(key)
                there, known = (0, oldest) if value is None else PAIR.unpack(value)
                if there + change > 0:
                    step.put(key, PAIR.pack(there + change, min(known, oldest)))
                else:
                    step.delete(key)
        for destination, (change, due) in self._destinations.items():
            self._note_destination(destination, change, due)

    def _note_destination(self, destination: bytes, change: int, due: int | None) -> None:
        step, key = self._step, DESTINATION + destination
        value = step.get(key)
        known, there = (None, 0) if value is None else PAIR.unpack(value)
        left = there + change
        if left <= 0:
            step.delete(key)
            if known is not None:
                step.delete(next_key(known, destination))
            return
        first = min(each for each in (known, due, 1 << 62) if each is not None)
        if first != known:
            if known is not None:
                step.delete(next_key(known, destination))
            step.put(next_key(first, destination), b"")
        if first != known or change:
            step.put(key, PAIR.pack(first, left))


def corrected(step: Step, destination: bytes, due: int) -> None:
    """The destination's first recipient is due then."""
    key = DESTINATION + destination
    value = step.get(key)
    if value is not None:
        known, there = PAIR.unpack(value)
        step.delete(next_key(known, destination))
        step.put(next_key(due, destination), b"")
        step.put(key, PAIR.pack(due, there))


def next_key(due: int, destination: bytes) -> bytes:
    return NEXT + due.to_bytes(8) + destination


def summed(records: list[tuple[bytes, bytes]]) -> dict[tuple[State, str], Counted]:
    """The records of COUNT, by state and class."""
    sums: dict[tuple[State, str], Counted] = {}
    for key, value in records:
        if not key.startswith(COUNT):
            continue
        number, oldest = PAIR.unpack(value)
        by = counted_by(key)
        known = sums.get(by)
        if known is not None:
            number, oldest = number + known.recipients, min(oldest, known.oldest)
        sums[by] = Counted(*by, number, oldest)
    return sums
