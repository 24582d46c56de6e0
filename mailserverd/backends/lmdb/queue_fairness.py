"""Fairness between senders who wait for one destination: start-time fair queueing.

Standing rules: a fresh recipient gets a tag, and the lowest tag is served first; a sender's next message is tagged one
above its last, but never below what is being served now: so whoever comes to a long queue of another is served in turn
with it, and a silence earns nothing. All recipients of a message at a destination share a tag. What is remembered is
bounded; what was forgotten costs fairness for a while, nothing else.
"""

from collections import OrderedDict

from mailserverd.backends.lmdb.queue_records import DESTINATION, READY, EntryRecord, ready_parts
from mailserverd.backends.lmdb.step import Step

REMEMBERED = 20_000
_MILLISECONDS = 1000


class Fairness:
    """tag is called in the writer thread, served in the reactor thread."""

    def __init__(self) -> None:
        self._served: dict[bytes, int] = {}  # of both threads: single operations only
        self._last: OrderedDict[tuple[bytes, int | str], tuple[int, str]] = OrderedDict()

    def served(self, destination: bytes, tag: int) -> None:
        if tag > self._served.get(destination, 0):
            if len(self._served) >= REMEMBERED:
                self._served.clear()
            self._served[destination] = tag

    def tag(self, step: Step, destination: bytes, entry: EntryRecord) -> int:
        who = (destination, entry.account_id if entry.account_id is not None else entry.sender)
        last, message = self._last.get(who, (0, ""))
        if message == entry.queue_id:
            return last
        tag = max(self._now(step, destination, entry), last + 1)
        self._last[who] = (tag, entry.queue_id)
        self._last.move_to_end(who)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return tag

    def _now(self, step: Step, destination: bytes, entry: EntryRecord) -> int:
        """Where the serving of the destination stands."""
        served = self._served.get(destination)
        if served is not None:
            return served
        first = step.scan(READY + destination + b"\0", 1) if step.get(DESTINATION + destination) is not None else ()
        now = (
            ready_parts(first[0][0][len(READY) + len(destination) + 1 :])[1] if first else entry.created * _MILLISECONDS
        )
        self.served(destination, now)
        return now
