"""QueueStore: messages on their way out. LMDB fills it embedded; Kafka and Cassandra will in a cluster.

Atomicity  One `submit` is one step for what a sender sees: the entry is there with all its recipients, or not at all
           (one of many recipients is staged, and shown by its last step). One `settle` of a recipient is one step.
Durability Every method that changes something returns after it is on disk, and calls that come together share a sync.
Claims     `claim` gives a recipient to one engine until it is settled or given back. A claim does not outlive the
           process (a cluster's: its lease): after a crash what was in flight is waiting again.
Memory     Nothing here, and no answer, grows with the length of the queue: every read takes a limit.
Bodies     A body lives as long as a recipient of its entry is waiting, held or in the error queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mailserverd.model.queue_entry import Queued, QueuedRecipient, QueueEntry, State


class DueDestination(NamedTuple):
    """due: when the first of its recipients is due."""

    destination: str
    due: int


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which recipients: all given conditions hold. domain: of the recipient; account: the sender's address as it
    stands in the envelope; queue_id: one message."""

    domain: str = ""
    account: str = ""
    mail_class: str = ""
    queue_id: str = ""
    states: frozenset[State] = frozenset()


@dataclass(frozen=True, slots=True)
class QueuePage:
    """after: the cursor for the next page, "" when there is none."""

    rows: list[Queued] = field(default_factory=list)
    after: str = ""


class Counted(NamedTuple):
    """How many recipients are in a state and class, and when the oldest of their entries was created."""

    state: State
    mail_class: str
    recipients: int
    oldest: int


class QueueStore(Protocol):
    async def submit(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes) -> None:
        """Accept a message: durable when it returns. Raises TryAgain."""
        ...

    async def due_destinations(
        self, now: int, limit: int, passing: frozenset[str] = frozenset()
    ) -> list[DueDestination]:
        """Destinations with a recipient due by `now` that is not claimed, the longest due first; without `passing`."""
        ...

    async def next_due(self, passing: frozenset[str] = frozenset()) -> int | None:
        """When the next destination not in `passing` is due; None when nothing waits."""
        ...

    async def claim(self, destination: str, now: int, limit: int) -> list[Queued]:
        """At most `limit` recipients due by `now`, by priority, then fair among senders, then by due time; those of
        one entry stand together. They are in flight until `settle` or `give_back`."""
        ...

    async def give_back(self, claimed: Sequence[QueuedRecipient]) -> None:
        """They were not tried: waiting as before. No I/O."""
        ...

    async def settle(self, recipients: Sequence[QueuedRecipient]) -> None:
        """Store what became of claimed recipients. A delivered one is gone once all of its entry are final and none is
        in the error queue. Raises TryAgain: nothing is stored, and the claims stand."""
        ...

    async def body(self, queue_id: str) -> bytes:
        """The message as it was accepted. Raises NotFound, Damaged."""
        ...

    async def replace_body(self, queue_id: str, body: bytes) -> None:
        """An edited message. Raises NotFound, TryAgain."""
        ...

    async def entry(self, queue_id: str) -> list[Queued]:
        """All recipients of one entry, at most 1,000; empty when it is not there."""
        ...

    async def page(self, wanted: QueueFilter, after: str, limit: int) -> QueuePage:
        """Recipients that are waiting, in flight or held, oldest entry first."""
        ...

    async def errors(self, wanted: QueueFilter, after: str, limit: int) -> QueuePage:
        """The error queue: recipients that failed, expired or were suppressed, oldest entry first."""
        ...

    async def update(self, recipients: Sequence[QueuedRecipient]) -> int:
        """Store what a person changed (hold, release, retry), passing over those in flight or gone; how many."""
        ...

    async def drop(self, recipients: Sequence[QueuedRecipient]) -> int:
        """Remove, waiting or in the error queue, without telling anybody; those in flight are left. How many."""
        ...

    async def counts(self) -> list[Counted]:
        """Kept up to date with every change: costs nothing that grows."""
        ...
