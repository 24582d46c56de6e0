"""LmdbQueueStore: the QueueStore interface over the embedded store. See queue_records.py for what lies where.

Standing rules: reads are of what is committed, and short; a claim ends in the turn in which the commit that settled it
is told; what a person changes cannot be claimed meanwhile; a large body is durable before its entry.
"""

from collections import Counter
from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.queue_books import Books, corrected, summed
from mailserverd.backends.lmdb.queue_claims import Claims, due_in_order, taken
from mailserverd.backends.lmdb.queue_fairness import Fairness
from mailserverd.backends.lmdb.queue_pages import page, whole_entry
from mailserverd.backends.lmdb.queue_plans import (
    SLICE,
    Change,
    accepted,
    changed,
    published,
    staged,
    steered,
    worked,
)
from mailserverd.backends.lmdb.queue_records import (
    BLOB,
    BODY,
    COUNT,
    DESTINATION,
    ENTRY,
    ERROR,
    JOB,
    MAX_DESTINATION_OCTETS,
    MAX_ID_OCTETS,
    NEXT,
    OPEN,
    PAIR,
    READY,
    WAITING_UNTIL,
    EntryRecord,
    Job,
    RecipientRecord,
    encoded,
    entry_record,
    name_of,
    recipient_record,
    waiting_parts,
)
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.interfaces.queue_store import Counted, DueDestination, QueueFilter, QueuePage
from mailserverd.model.errors import LimitReached, NotFound, StoreError
from mailserverd.model.identifiers import BlobId
from mailserverd.model.queue_entry import Queued, QueuedRecipient, QueueEntry, State

INLINE_OCTETS = 64 * 1024
_READ_OCTETS = 1 << 20

_log = Logger()


class LmdbQueueStore:
    def __init__(self, environment: Environment, writer: Writer, blobs: BlobStore) -> None:
        self._environment = environment
        self._writer = writer
        self._blobs = blobs
        self._claims = Claims()
        self._fair = Fairness()
        self._unfinished: set[bytes] = set()  # names of entries whose job failed

    async def start(self) -> None:
        """Go on with what was not whole when the last run ended."""
        for key, _ in self._environment.scan(JOB):
            self._begin_job(key[len(JOB) :])

    # Accepting.

    async def submit(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes) -> None:
        _check(entry, recipients)
        name = name_of(entry.queue_id)
        content = await self._content(name, body)
        record = entry_record(entry, len(recipients))
        if len(recipients) <= SLICE:
            records = [recipient_record(each) for each in recipients]
            await self._writer.submit(
                lambda step: accepted(step, record, records, content, self._fair),
                len(content[1]) + 300 * len(records),
                large=len(records) > SLICE // 10,
            )
        else:
            await self._submit_staged(record, recipients, content)
        self._resume_jobs()

    async def _content(self, name: bytes, body: bytes) -> tuple[bytes, bytes]:
        if len(body) <= INLINE_OCTETS:
            return BODY + name, body
        return BLOB + name, await self._blobs.put(body)

    async def _submit_staged(
        self, record: EntryRecord, recipients: Sequence[QueuedRecipient], content: tuple[bytes, bytes]
    ) -> None:
        name = name_of(record.queue_id)
        if self._environment.get(ENTRY + name) is not None:
            return
        job = encoded(Job("remove", 0, len(recipients)))
        states = Counter(each.state for each in recipients)
        try:
            await self._write([content, (JOB + name, job)])
            for first in range(0, len(recipients), SLICE):
                some = [recipient_record(each) for each in recipients[first : first + SLICE]]
                await self._writer.submit(lambda step: staged(step, name, first, some), large=True)  # noqa: B023
            await self._writer.submit(lambda step: published(step, record, states))
        except StoreError:
            self._unfinished.add(name)
            raise
        await self._job(name)  # so that all of it is due when the scheduler is woken

    def _begin_job(self, name: bytes) -> None:
        self._unfinished.discard(name)
        Deferred.fromCoroutine(self._job(name)).addErrback(
            lambda failure: _log.failure("a step of the queue failed", failure)
        )

    async def _job(self, name: bytes) -> None:
        try:
            while await self._writer.submit(lambda step: worked(step, name, self._fair), large=True):
                pass
        except StoreError:
            self._unfinished.add(name)

    def _resume_jobs(self) -> None:
        for name in list(self._unfinished):
            self._begin_job(name)

    # What is due.

    async def due_destinations(
        self, now: int, limit: int, passing: frozenset[str] = frozenset()
    ) -> list[DueDestination]:
        found: list[DueDestination] = []
        with self._environment.read() as transaction:
            cursor = transaction.cursor()
            there = cursor.set_range(NEXT)
            while there and len(found) < limit:
                due, destination = _next_of(bytes(cursor.key()))
                if due is None or due > now:
                    break
                if destination not in passing:
                    found.append(DueDestination(destination, due))
                there = cursor.next()
            cursor.close()
        return found

    async def next_due(self, passing: frozenset[str] = frozenset()) -> int | None:
        with self._environment.read() as transaction:
            cursor = transaction.cursor()
            there = cursor.set_range(NEXT)
            due: int | None = None
            while there:
                due, destination = _next_of(bytes(cursor.key()))
                if due is None or destination not in passing:
                    break
                there = cursor.next()
            cursor.close()
        return due if there else None

    async def claim(self, destination: str, now: int, limit: int) -> list[Queued]:
        name = destination.encode("ascii", "replace")
        claimed, first = self._claimed(name, now, limit)
        if not claimed and destination not in self._claims.destinations:
            await self._correct(name, now, first)
        return claimed

    def _claimed(self, destination: bytes, now: int, limit: int) -> tuple[list[Queued], int | None]:
        """A transaction that a suspended frame still names keeps its place among the readers: so not in `claim`."""
        with self._environment.read() as transaction:
            chosen, first = due_in_order(transaction, destination, now, limit, self._claims)
            claimed = taken(transaction, chosen, self._claims)
        for due in chosen:
            if due.place[1:2] == b"r":
                self._fair.served(destination, due.order)
        return claimed, first

    async def _correct(self, destination: bytes, now: int, first: int | None) -> None:
        """The destination said to be due has nothing due: put right when it is. Not while a person changes it."""
        value = self._environment.get(DESTINATION + destination)
        if value is None or first is None or PAIR.unpack(value)[0] >= first or self._claims.steered:
            return
        await self._writer.submit(lambda step: _correct(step, destination, now))

    async def give_back(self, claimed: Sequence[QueuedRecipient]) -> None:
        for each in claimed:
            self._claims.end((name_of(each.queue_id), each.position))

    async def settle(self, recipients: Sequence[QueuedRecipient]) -> None:
        by_entry: dict[bytes, tuple[EntryRecord, list[Change]]] = {}
        names = []
        for each in recipients:
            key = (name_of(each.queue_id), each.position)
            claim = self._claims.claimed.get(key)
            if claim is None:
                continue
            names.append(key)
            change = Change(each.position, claim.place, claim.state, recipient_record(each))
            by_entry.setdefault(key[0], (claim.entry, []))[1].append(change)

        def plan(step: Step) -> None:
            books = Books(step)
            for entry, changes in by_entry.values():
                changed(step, books, entry, changes)
            books.close()

        if names:
            await self._writer.submit(plan, 300 * len(names), apply=lambda _: self._settled(names))
            self._resume_removals(by_entry)

    def _settled(self, names: list[tuple[bytes, int]]) -> None:
        for name in names:
            self._claims.end(name)

    def _resume_removals(self, entries: dict[bytes, tuple[EntryRecord, list[Change]]]) -> None:
        """The rows of a large entry that is over go in slices of their own."""
        for name, (entry, _) in entries.items():
            if entry.recipients > SLICE and self._environment.get(ENTRY + name) is None:
                self._begin_job(name)

    # Bodies.

    async def body(self, queue_id: str) -> bytes:
        name = name_of(queue_id)
        body = self._environment.get(BODY + name)
        if body is not None:
            return body
        blob = self._environment.get(BLOB + name)
        if blob is None:
            raise NotFound(f"there is no message {queue_id} in the queue")
        blob_id = BlobId(blob)
        size = await self._blobs.size(blob_id)
        pieces = [
            await self._blobs.read(blob_id, start, min(start + _READ_OCTETS, size))
            for start in range(0, size, _READ_OCTETS)
        ]
        return b"".join(pieces)

    async def replace_body(self, queue_id: str, body: bytes) -> None:
        name = name_of(queue_id)
        content = await self._content(name, body)

        def plan(step: Step) -> None:
            if step.get(ENTRY + name) is None:
                raise NotFound(f"there is no message {queue_id} in the queue")
            step.delete(BODY + name)
            step.delete(BLOB + name)
            step.put(*content)

        await self._writer.submit(plan, len(content[1]))

    # Looking.

    async def entry(self, queue_id: str) -> list[Queued]:
        with self._environment.read() as transaction:
            return whole_entry(transaction, queue_id, self._claims.claimed)

    async def page(self, wanted: QueueFilter, after: str, limit: int) -> QueuePage:
        with self._environment.read() as transaction:
            return page(transaction, OPEN, wanted, after, limit, self._claims.claimed)

    async def errors(self, wanted: QueueFilter, after: str, limit: int) -> QueuePage:
        with self._environment.read() as transaction:
            return page(transaction, ERROR, wanted, after, limit, {})

    async def counts(self) -> list[Counted]:
        sums = summed(self._environment.scan(COUNT))
        for (state, mail_class), number in self._claims.by_state().items():
            stored = sums.get((state, mail_class))
            if stored is not None:
                sums[state, mail_class] = stored._replace(recipients=max(0, stored.recipients - number))
        flying: dict[str, tuple[int, int]] = {}
        for claim in self._claims.claimed.values():
            number, oldest = flying.get(claim.entry.mail_class, (0, claim.entry.created))
            flying[claim.entry.mail_class] = (number + 1, min(oldest, claim.entry.created))
        counted = [each for each in sums.values() if each.recipients]
        return counted + [Counted(State.IN_FLIGHT, name, *both) for name, both in flying.items()]

    # Steering.

    async def update(self, recipients: Sequence[QueuedRecipient]) -> int:
        for each in recipients:
            _check_destination(each.destination)
        return await self._steer([(each, recipient_record(each)) for each in recipients])

    async def drop(self, recipients: Sequence[QueuedRecipient]) -> int:
        return await self._steer([(each, None) for each in recipients])

    async def _steer(self, wanted: Sequence[tuple[QueuedRecipient, RecipientRecord | None]]) -> int:
        by_entry: dict[str, dict[int, RecipientRecord | None]] = {}
        names = []
        for recipient, new in wanted:
            name = (name_of(recipient.queue_id), recipient.position)
            if self._claims.free(name):
                names.append(name)
                by_entry.setdefault(recipient.queue_id, {})[recipient.position] = new
        if not names:
            return 0
        self._claims.steered.update(names)

        def plan(step: Step) -> int:
            return sum(steered(step, queue_id, rows) for queue_id, rows in by_entry.items())

        try:
            return await self._writer.submit(plan, 300 * len(names), large=len(names) > SLICE // 10)
        finally:
            self._claims.steered.difference_update(names)
            for queue_id in by_entry:
                if self._environment.get(JOB + name_of(queue_id)) is not None:
                    self._begin_job(name_of(queue_id))

    async def _write(self, puts: list[tuple[bytes, bytes]]) -> None:
        def plan(step: Step) -> None:
            for key, value in puts:
                step.put(key, value)

        await self._writer.submit(plan, sum(len(value) for _, value in puts))


def _check(entry: QueueEntry, recipients: Sequence[QueuedRecipient]) -> None:
    """Raises LimitReached for what no key can hold."""
    if not recipients:
        raise ValueError("a message without recipients is nothing to queue")
    if len(entry.queue_id) > MAX_ID_OCTETS:
        raise LimitReached("the queue id is too long")
    for each in recipients:
        _check_destination(each.destination)


def _check_destination(destination: str) -> None:
    if not 0 < len(destination) <= MAX_DESTINATION_OCTETS or "\0" in destination or not destination.isascii():
        raise LimitReached("a recipient's domain is longer than any domain, or not ASCII")


def _next_of(key: bytes) -> tuple[int | None, str]:
    """due None: the key is not one of these."""
    if not key.startswith(NEXT):
        return None, ""
    return int.from_bytes(key[2:10]), key[10:].decode("ascii")


def _correct(step: Step, destination: bytes, now: int) -> None:
    """In the writer: what is first of the destination now."""
    if step.scan(READY + destination + b"\0", 1):
        return
    prefix = WAITING_UNTIL + destination + b"\0"
    first = step.scan(prefix, 1)
    if first:
        due = waiting_parts(first[0][0][len(prefix) :])[0]
        if due > now:
            corrected(step, destination, due)
