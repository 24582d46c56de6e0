"""Judging the outbound queue: entries, recipients, their places, bodies, and what is summed up of them.

Standing rules: all of it is judged in one transaction, since a change touches several kinds of record; what is summed
up is counted anew and put right; a recipient without its message is told as a loss, and stays for a person to drop.
"""

from collections.abc import Callable, Iterator

import msgspec

from mailserverd.backends.lmdb.check_finding import ERROR, LOSS, WARNING, Finding
from mailserverd.backends.lmdb.check_snapshot import Open
from mailserverd.backends.lmdb.environment import Transaction
from mailserverd.backends.lmdb.queue_books import next_key
from mailserverd.backends.lmdb.queue_records import (
    BLOB,
    BODY,
    COUNT,
    DELIVERED,
    DESTINATION,
    ENTRY,
    FAMILIES,
    JOB,
    NEXT,
    OPEN,
    PAIR,
    READY,
    STANDING,
    WAITING_UNTIL,
    EntryRecord,
    RecipientRecord,
    Standing,
    count_key,
    decoded_entry,
    decoded_recipient,
    decoded_standing,
    destination_in,
    encoded,
    named,
    place_name,
    waiting_key,
)
from mailserverd.backends.lmdb.queue_records import (
    ERROR as FAILED,
)
from mailserverd.model.queue_entry import WAITING, State

_WAITING = frozenset(state.value for state in WAITING)
_TOLD = 1_000


def queue_findings(opened: Open) -> list[Finding]:
    with opened() as transaction:
        return _Judge(transaction).findings()


class _Judge:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._findings: list[Finding] = []
        self._jobs = {key[2:] for key, _ in _records(transaction, JOB)}
        self._counts: dict[bytes, tuple[int, int]] = {}
        self._destinations: dict[bytes, tuple[int, int]] = {}

    def findings(self) -> list[Finding]:
        for name, entry in self._entries():
            self._judge_entry(name, entry)
        for family in FAMILIES:
            self._judge_orphans(family, lambda key: named(key[2:])[0])
        for family in (STANDING, BODY, BLOB):
            self._judge_orphans(family, lambda key: key[2:])
        for family in (READY, WAITING_UNTIL):
            self._judge_places(family)
        self._judge_counts()
        self._judge_destinations()
        return self._findings

    def _found(self, severity: str, what: str, *puts: tuple[bytes, bytes], deletes: tuple[bytes, ...] = ()) -> None:
        if len(self._findings) < _TOLD or puts or deletes:
            self._findings.append(Finding(severity, None, what, puts, deletes))

    def _entries(self) -> Iterator[tuple[bytes, EntryRecord]]:
        for key, value in _records(self._transaction, ENTRY):
            try:
                yield key[2:], decoded_entry(value)
            except (msgspec.MsgspecError, ValueError):
                what = f"queued message {key[2:]!r} is unreadable"
                self._findings.append(Finding(LOSS, None, what, what_to_do="restore it from a backup"))

    def _judge_entry(self, name: bytes, entry: EntryRecord) -> None:
        standing = Standing(0)
        for family in FAMILIES:
            for key, value in _records(self._transaction, family + name + b"\0"):
                try:
                    record = decoded_recipient(value)
                    state = State(record.state)
                except (msgspec.MsgspecError, ValueError):
                    self._found(LOSS, f"a recipient of queued message {name!r} is unreadable", deletes=(key,))
                    continue
                _count(standing, family)
                self._add(count_key(state, entry.mail_class, entry.created), entry.created)
                if family == OPEN:
                    self._judge_place(name, entry, key, record)
        if not standing.open and not standing.errors:
            self._found(WARNING, f"queued message {name!r} has no recipient left", deletes=(ENTRY + name,))
        elif self._get(BODY + name) is None and self._get(BLOB + name) is None:
            what = f"queued message {name!r} has lost its octets"
            self._findings.append(Finding(LOSS, None, what, what_to_do=f"mailserverd queue drop {name.decode()}"))
        if entry.recipients > 1 and self._standing(name) != standing:
            what = f"what is noted of the recipients of queued message {name!r} is wrong"
            self._found(ERROR, what, (STANDING + name, encoded(standing)))

    def _standing(self, name: bytes) -> Standing | None:
        try:
            return decoded_standing(self._get(STANDING + name) or b"")
        except msgspec.MsgspecError:
            return None

    def _judge_place(self, name: bytes, entry: EntryRecord, key: bytes, record: RecipientRecord) -> None:
        waits = record.state in _WAITING
        if waits and record.place and self._get(record.place) is not None:
            self._add_place(record.place, record.next_attempt)
        elif waits and (record.place or name not in self._jobs):
            destination = record.destination.encode("ascii", "replace")
            record.place = waiting_key(destination, record.next_attempt, entry.priority, key[2:])
            what = f"a recipient of queued message {name!r} is in no line"
            self._found(ERROR, what, (key, encoded(record)), (record.place, b""))
            self._add_place(record.place, record.next_attempt)

    def _judge_orphans(self, family: bytes, name_of: Callable[[bytes], bytes]) -> None:
        for key, _ in _records(self._transaction, family):
            name = name_of(key)
            if name not in self._jobs and self._get(ENTRY + name) is None:
                self._found(WARNING, f"record {key!r} belongs to no queued message", deletes=(key,))

    def _judge_places(self, family: bytes) -> None:
        for key, _ in _records(self._transaction, family):
            value = self._get(OPEN + place_name(*named(key[key.index(b"\0", 2) + 10 :])))
            try:
                right = value is not None and decoded_recipient(value).place == key
            except msgspec.MsgspecError:
                right = False
            if not right:
                self._found(WARNING, f"place {key!r} in a line of the queue is nobody's", deletes=(key,))

    def _add(self, key: bytes, created: int) -> None:
        number, oldest = self._counts.get(key, (0, created))
        self._counts[key] = (number + 1, min(oldest, created))

    def _add_place(self, place: bytes, due: int) -> None:
        destination = destination_in(place)
        number, first = self._destinations.get(destination, (0, due))
        self._destinations[destination] = (number + 1, min(first, max(0, due)))

    def _judge_counts(self) -> None:
        stored = dict(_records(self._transaction, COUNT))
        for key in stored.keys() | self._counts.keys():
            number, oldest = self._counts.get(key, (0, 0))
            if not number:
                self._found(ERROR, f"count {key!r} of the queue is wrong", deletes=(key,))
            elif len(stored.get(key, b"")) != PAIR.size or PAIR.unpack(stored[key])[0] != number:
                self._found(ERROR, f"count {key!r} of the queue is wrong", (key, PAIR.pack(number, oldest)))

    def _judge_destinations(self) -> None:
        """What it says of the first due may be early."""
        stored = {key[2:]: value for key, value in _records(self._transaction, DESTINATION)}
        lines = {key[2:] for key, _ in _records(self._transaction, NEXT)}
        for destination in stored.keys() | self._destinations.keys():
            number, first = self._destinations.get(destination, (0, 0))
            value = stored.get(destination, b"")
            due, counted = PAIR.unpack(value) if len(value) == PAIR.size else (1 << 62, -1)
            noted = next_key(due, destination)[2:]
            right = number and counted == number and due <= first and noted in lines
            lines.discard(noted)
            if right:
                continue
            what = f"what is noted of destination {destination!r} is wrong"
            if number:
                puts = ((DESTINATION + destination, PAIR.pack(first, number)), (next_key(first, destination), b""))
                self._found(ERROR, what, *puts, deletes=(NEXT + noted,))
            else:
                self._found(ERROR, what, deletes=(DESTINATION + destination, NEXT + noted))
        for line in lines:
            self._found(WARNING, f"line {line!r} of the queue is of no destination", deletes=(NEXT + line,))

    def _get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._transaction.get(key)
        return value


def _count(standing: Standing, family: bytes) -> None:
    if family == OPEN:
        standing.open += 1
    elif family == FAILED:
        standing.errors += 1
    elif family == DELIVERED:
        standing.delivered += 1


def _records(transaction: Transaction, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    cursor = transaction.cursor()
    try:
        there = cursor.set_range(prefix)
        while there:
            key, value = cursor.item()
            if not key.startswith(prefix):
                return
            yield key, value
            there = cursor.next()
    finally:
        cursor.close()
