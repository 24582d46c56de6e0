"""What all engines share, and what a piece of work is.

Standing rules: a batch is one transaction: recipients of one entry at one destination, few enough for one MAIL.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.model.queue_entry import Queued, QueuedRecipient, QueueEntry
from mailserverd.queue.backoff import Rests
from mailserverd.queue.connections import Connections
from mailserverd.queue.parts import Limits, Preparation, Routing, Screening, Sources
from mailserverd.queue.resolution import Resolution
from mailserverd.queue.unsettled import Unsettled

SWEEPING_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class House:
    """seconds: the wall clock; clock: for waits. rests: destinations that did not answer. sweeping: held by an engine
    that puts off all that is due at one of them, so that hundreds of dead destinations take turns."""

    store: QueueStore
    routing: Routing
    limits: Limits
    sources: Sources
    screening: Screening
    preparation: Preparation
    connections: Connections
    resolution: Resolution
    settings: Callable[[], Outbound]
    clock: IReactorTime
    seconds: Callable[[], float]
    rests: Rests[str, str]
    sweeping: DeferredSemaphore = field(default_factory=lambda: DeferredSemaphore(SWEEPING_AT_ONCE))
    unsettled: Unsettled = field(default_factory=Unsettled)

    def now(self) -> int:
        return int(self.seconds())


class Batch(NamedTuple):
    entry: QueueEntry
    recipients: Sequence[QueuedRecipient]


def batches(rows: Sequence[Queued], limit: int, alone: Callable[[QueueEntry], bool]) -> Iterator[Batch]:
    """Rows of one entry stand together."""
    start = 0
    while start < len(rows):
        entry = rows[start].entry
        most = 1 if alone(entry) else limit
        stop = start + 1
        while stop < len(rows) and stop - start < most and rows[stop].entry.queue_id == entry.queue_id:
            stop += 1
        yield Batch(entry, [each.recipient for each in rows[start:stop]])
        start = stop
