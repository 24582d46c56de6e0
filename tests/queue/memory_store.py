"""MemoryQueue: a QueueStore of dicts, for tests of what works over one. It fills the contract, fairness included."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mailserverd.interfaces.queue_store import Counted, DueDestination, QueueFilter, QueuePage
from mailserverd.model.errors import NotFound, TryAgain
from mailserverd.model.queue_entry import FINAL, WAITING, Queued, QueuedRecipient, QueueEntry, State

Name = tuple[str, int]


class MemoryQueue:
    """full: whatever changes something raises TryAgain."""

    def __init__(self) -> None:
        self.entries: dict[str, QueueEntry] = {}
        self.rows: dict[Name, QueuedRecipient] = {}
        self.bodies: dict[str, bytes] = {}
        self.claimed: set[Name] = set()
        self.settled = 0
        self.full = False
        self._tags: dict[str, int] = {}
        self._served: dict[str, int] = {}
        self._last: dict[tuple[str, object], int] = {}

    def _changing(self) -> None:
        if self.full:
            raise TryAgain("the disk is full")

    async def submit(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes) -> None:
        self._changing()
        if entry.queue_id not in self.entries:
            self.entries[entry.queue_id] = entry
            self.bodies[entry.queue_id] = body
            self.rows.update({(each.queue_id, each.position): each for each in recipients})
            who = (recipients[0].destination, entry.account_id or entry.sender)
            waiting = [self._tags[each.queue_id] for each in self._waiting(who[0]) if each.queue_id in self._tags]
            base = self._served.get(who[0], min(waiting, default=entry.created * 1000))
            self._tags[entry.queue_id] = self._last[who] = max(base, self._last.get(who, 0) + 1)

    def _waiting(self, destination: str) -> list[QueuedRecipient]:
        return [
            each
            for name, each in self.rows.items()
            if each.destination == destination and each.state in WAITING and name not in self.claimed
        ]

    async def due_destinations(
        self, now: int, limit: int, passing: frozenset[str] = frozenset()
    ) -> list[DueDestination]:
        first = {each.destination: each.next_attempt for each in self._all_waiting()}
        found = [DueDestination(*each) for each in first.items() if each[1] <= now and each[0] not in passing]
        return sorted(found, key=lambda each: each.due)[:limit]

    def _all_waiting(self) -> list[QueuedRecipient]:
        free = [row for name, row in self.rows.items() if row.state in WAITING and name not in self.claimed]
        return sorted(free, key=lambda each: -each.next_attempt)

    async def next_due(self, passing: frozenset[str] = frozenset()) -> int | None:
        waits = [each.next_attempt for each in self._all_waiting() if each.destination not in passing]
        return min(waits, default=None)

    async def claim(self, destination: str, now: int, limit: int) -> list[Queued]:
        due = [each for each in self._waiting(destination) if each.next_attempt <= now]
        streams: dict[bool, list[QueuedRecipient]] = {True: [], False: []}
        for each in sorted(due, key=lambda each: (-self.entries[each.queue_id].priority, self._order(each))):
            streams[each.attempts == 0].append(each)
        chosen: list[QueuedRecipient] = []
        while any(streams.values()):
            chosen += [stream.pop(0) for stream in streams.values() if stream]
        chosen.sort(key=lambda each: -self.entries[each.queue_id].priority)
        chosen = chosen[:limit]
        order = list(dict.fromkeys(each.queue_id for each in chosen))
        chosen.sort(key=lambda each: (order.index(each.queue_id), each.position))
        for each in chosen:
            self.claimed.add((each.queue_id, each.position))
            self._served[destination] = max(self._served.get(destination, 0), self._tags[each.queue_id])
        return [Queued(self.entries[each.queue_id], replace(each, state=State.IN_FLIGHT)) for each in chosen]

    def _order(self, row: QueuedRecipient) -> tuple[int, str, int]:
        return (row.next_attempt if row.attempts else self._tags[row.queue_id], row.queue_id, row.position)

    async def give_back(self, claimed: Sequence[QueuedRecipient]) -> None:
        self.claimed -= {(each.queue_id, each.position) for each in claimed}

    async def settle(self, recipients: Sequence[QueuedRecipient]) -> None:
        self._changing()
        for each in recipients:
            name = (each.queue_id, each.position)
            if name in self.claimed:
                self.settled += 1
                self.claimed.discard(name)
                self.rows[name] = each
        self._tidy(recipients)

    def _tidy(self, recipients: Sequence[QueuedRecipient]) -> None:
        for queue_id in {each.queue_id for each in recipients}:
            rows = [row for name, row in self.rows.items() if name[0] == queue_id]
            if all(row.state is State.DELIVERED for row in rows):
                self.entries.pop(queue_id, None)
                self.bodies.pop(queue_id, None)
                self.rows = {name: row for name, row in self.rows.items() if name[0] != queue_id}

    async def body(self, queue_id: str) -> bytes:
        if queue_id not in self.bodies:
            raise NotFound(queue_id)
        return self.bodies[queue_id]

    async def replace_body(self, queue_id: str, body: bytes) -> None:
        await self.body(queue_id)
        self.bodies[queue_id] = body

    def _seen(self, name: Name) -> Queued:
        row = self.rows[name]
        return Queued(self.entries[name[0]], replace(row, state=State.IN_FLIGHT) if name in self.claimed else row)

    async def entry(self, queue_id: str) -> list[Queued]:
        return [self._seen(name) for name in sorted(self.rows) if name[0] == queue_id][:1000]

    async def page(self, wanted: QueueFilter, after: str, limit: int) -> QueuePage:
        return self._page(wanted, after, limit, lambda state: state not in FINAL)

    async def errors(self, wanted: QueueFilter, after: str, limit: int) -> QueuePage:
        return self._page(wanted, after, limit, lambda state: state in FINAL and state is not State.DELIVERED)

    def _page(self, wanted: QueueFilter, after: str, limit: int, fits: object) -> QueuePage:
        start = (after.partition("/")[0], int(after.partition("/")[2])) if after else ("", -1)
        seen = [self._seen(name) for name in sorted(self.rows) if name > start]
        seen = [each for each in seen if fits(each.recipient.state) and _wanted(wanted, each)]  # type: ignore[operator]
        rows = seen[:limit]
        last = f"{rows[-1].entry.queue_id}/{rows[-1].recipient.position}" if len(seen) > limit else ""
        return QueuePage(rows, last)

    async def update(self, recipients: Sequence[QueuedRecipient]) -> int:
        self._changing()
        names = {(each.queue_id, each.position): each for each in recipients}
        found = {name: each for name, each in names.items() if name in self.rows and name not in self.claimed}
        self.rows.update(found)
        return len(found)

    async def drop(self, recipients: Sequence[QueuedRecipient]) -> int:
        self._changing()
        names = [(each.queue_id, each.position) for each in recipients]
        found = [name for name in names if name in self.rows and name not in self.claimed]
        for name in found:
            del self.rows[name]
        self._tidy(recipients)
        return len(found)

    async def counts(self) -> list[Counted]:
        numbers: Counter[tuple[State, str]] = Counter()
        oldest: dict[tuple[State, str], int] = {}
        for name in self.rows:
            queued = self._seen(name)
            kind = (queued.recipient.state, queued.entry.mail_class)
            numbers[kind] += 1
            oldest[kind] = min(oldest.get(kind, queued.entry.created), queued.entry.created)
        return [Counted(*kind, number, oldest[kind]) for kind, number in numbers.items()]


def _wanted(wanted: QueueFilter, queued: Queued) -> bool:
    entry, recipient = queued
    return (
        wanted.domain in ("", recipient.destination)
        and wanted.account.lower() in ("", entry.sender.lower())
        and wanted.mail_class in ("", entry.mail_class)
        and wanted.queue_id in ("", entry.queue_id)
        and (not wanted.states or recipient.state in wanted.states)
    )
