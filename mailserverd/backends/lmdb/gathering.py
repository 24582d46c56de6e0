"""Gathering: which tickets go into the next commit.

Standing rules: whatever waits goes in, up to the bounds, in its order; of large tickets (stages.LARGE messages or
more) a commit has one at most, and where small ones wait too it has none every other time: so nobody waits for
more than one of them, however many there are. A large ticket may be passed by small ones, of its account too.
"""

import time
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from mailserverd.backends.lmdb.ticket import Ticket


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """early_seconds: how long an acknowledged flag may wait for its commit; 0: not at all."""

    messages: int = 64
    octets: int = 4 * 1024 * 1024
    early_seconds: float = 0.1


class Gathering:
    """The writer thread's. None in the queue: nothing comes after it."""

    __slots__ = ("_ended", "_large", "_limits", "_passed", "_queue")

    def __init__(self, queue: "SimpleQueue[Ticket | None]", limits: BatchLimits) -> None:
        self._queue = queue
        self._limits = limits
        self._large: deque[Ticket] = deque()
        self._passed = False
        self._ended = False

    @property
    def over(self) -> bool:
        return self._ended and not self._large

    def next(self, deadline: float | None) -> list[Ticket]:
        """Wait for work (until `deadline` at most, by time.monotonic: an empty batch), and take what is there."""
        batch = self._small(deadline)
        if self._large:
            if batch and not self._passed:
                self._passed = True
            else:
                self._passed = False
                batch.append(self._large.popleft())
        return batch

    def _small(self, deadline: float | None) -> list[Ticket]:
        batch: list[Ticket] = []
        if self._ended:
            return batch
        octets = 0
        try:
            ticket = self._first(deadline)
            while ticket is not None:
                if ticket.large:
                    self._large.append(ticket)
                else:
                    batch.append(ticket)
                    octets += ticket.octets
                    if len(batch) >= self._limits.messages or octets >= self._limits.octets:
                        return batch
                ticket = self._queue.get_nowait()
        except Empty:
            return batch
        self._ended = True
        return batch

    def _first(self, deadline: float | None) -> Ticket | None:
        if self._large:
            return self._queue.get_nowait()
        if deadline is not None:
            return self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
        return self._queue.get()
