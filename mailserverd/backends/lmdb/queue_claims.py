"""Which recipients are in flight, and which of those due at a destination come next.

Standing rules: claims live in memory alone and are bounded by what engines have in hand; what a person is changing
just now is not claimed; reads are of one moment and touch a bounded number of records.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from twisted.logger import Logger

from mailserverd.backends.lmdb.environment import Transaction
from mailserverd.backends.lmdb.queue_records import (
    ENTRY,
    OPEN,
    READY,
    WAITING_UNTIL,
    EntryRecord,
    decoded_entry,
    decoded_recipient,
    entry_of,
    named,
    ready_parts,
    recipient_of,
    waiting_parts,
)
from mailserverd.model.queue_entry import Queued, QueueEntry, State

_WINDOW = 200
_log = Logger()
Name = tuple[bytes, int]


class Claim(NamedTuple):
    entry: EntryRecord
    destination: str
    place: bytes
    state: State


class Due(NamedTuple):
    """priority: 9 minus it. order: tag or due time."""

    priority: int
    order: int
    name: bytes
    position: int
    place: bytes


class Claims:
    def __init__(self) -> None:
        self.claimed: dict[Name, Claim] = {}
        self.steered: set[Name] = set()
        self.destinations: dict[str, int] = {}
        self._states: dict[tuple[State, str], int] = {}

    def add(self, name: Name, claim: Claim) -> None:
        self.claimed[name] = claim
        self.destinations[claim.destination] = self.destinations.get(claim.destination, 0) + 1
        kind = (claim.state, claim.entry.mail_class)
        self._states[kind] = self._states.get(kind, 0) + 1

    def end(self, name: Name) -> None:
        claim = self.claimed.pop(name, None)
        if claim is not None:
            _less(self.destinations, claim.destination)
            _less(self._states, (claim.state, claim.entry.mail_class))

    def by_state(self) -> dict[tuple[State, str], int]:
        """How many are in flight, by the state and class that they are stored with."""
        return dict(self._states)

    def free(self, name: Name) -> bool:
        return name not in self.claimed and name not in self.steered


def _less(counts: dict[object, int] | dict[str, int] | dict[tuple[State, str], int], key: object) -> None:
    left = counts[key] - 1  # type: ignore[index]
    if left:
        counts[key] = left  # type: ignore[index]
    else:
        del counts[key]  # type: ignore[arg-type]


def due_in_order(
    transaction: Transaction, destination: bytes, now: int, limit: int, claims: Claims
) -> tuple[list[Due], int | None]:
    """Those to be served next, at most `limit`, and, where there are none, when the first one will be due."""
    fresh = list(_free(_ready(transaction, destination), claims, limit))
    again: list[Due] = []
    first: int | None = None
    for due in _free(_waiting(transaction, destination), claims, max(limit, _WINDOW)):
        if due.order > now:
            first = due.order
            break
        again.append(due)
    again.sort(key=lambda each: each[:2])
    chosen: list[Due] = []
    for priority in sorted({each.priority for each in fresh} | {each.priority for each in again}):
        streams = [_messages(each for each in stream if each.priority == priority) for stream in (fresh, again)]
        while any(streams) and len(chosen) < limit:
            for stream in streams:
                if stream:
                    chosen += stream.pop()
    return chosen[:limit], first


def _messages(due: Iterable[Due]) -> list[list[Due]]:
    """Those of one entry together, the first ones last."""
    by_entry: dict[bytes, list[Due]] = {}
    for each in due:
        by_entry.setdefault(each.name, []).append(each)
    return list(by_entry.values())[::-1]


def _free(stream: Iterator[Due], claims: Claims, limit: int) -> Iterator[Due]:
    if limit < 1:
        return
    for each in stream:
        if claims.free((each.name, each.position)):
            yield each
            limit -= 1
            if limit < 1:
                return


def _ready(transaction: Transaction, destination: bytes) -> Iterator[Due]:
    prefix = READY + destination + b"\0"
    for key in _keys(transaction, prefix):
        priority, tag, rest = ready_parts(key[len(prefix) :])
        yield Due(priority, tag, *named(rest), key)


def _waiting(transaction: Transaction, destination: bytes) -> Iterator[Due]:
    prefix = WAITING_UNTIL + destination + b"\0"
    for key in _keys(transaction, prefix):
        due, priority, rest = waiting_parts(key[len(prefix) :])
        yield Due(priority, due, *named(rest), key)


def _keys(transaction: Transaction, prefix: bytes) -> Iterator[bytes]:
    cursor = transaction.cursor()
    try:
        there = cursor.set_range(prefix)
        while there and (key := bytes(cursor.key())).startswith(prefix):
            yield key
            there = cursor.next()
    finally:
        cursor.close()


def taken(transaction: Transaction, chosen: list[Due], claims: Claims) -> list[Queued]:
    """The chosen ones, claimed; those of one entry together. One whose record is gone or unreadable is passed over."""
    groups: dict[bytes, list[Queued]] = {}
    entries: dict[bytes, tuple[EntryRecord, QueueEntry]] = {}
    for due in chosen:
        value = transaction.get(OPEN + due.name + b"\0" + due.position.to_bytes(4))
        if value is None:
            continue
        try:
            known = entries.get(due.name)
            if known is None:
                stored = transaction.get(ENTRY + due.name)
                if stored is None:
                    continue
                record = decoded_entry(stored)
                known = entries[due.name] = (record, entry_of(record))
            recipient = decoded_recipient(value)
        except msgspec.MsgspecError:
            _log.error("a record of the queue is unreadable; run `mailserverd store check`", queue_id=repr(due.name))
            continue
        made = recipient_of(known[1].queue_id, due.position, recipient, State.IN_FLIGHT)
        claims.add((due.name, due.position), Claim(known[0], made.destination, due.place, State(recipient.state)))
        groups.setdefault(due.name, []).append(Queued(known[1], made))
    return [each for group in groups.values() for each in group]
