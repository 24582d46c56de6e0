"""LmdbAccountMail: the mail of one account; its state and mailboxes in memory, its messages read from the environment.

Standing rules: memory follows the disk, by `apply` in the reactor thread, in commit order; a version tells what an
object loaded meanwhile has seen already; no read suspends between opening and closing its transaction.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mailserverd.backends.lmdb import content, early_records, stages
from mailserverd.backends.lmdb.environment import Transaction
from mailserverd.backends.lmdb.history import stored_change, stored_expunges
from mailserverd.backends.lmdb.keys import account_prefix, numbered
from mailserverd.backends.lmdb.outcome import Outcome
from mailserverd.backends.lmdb.plan_commit import plan_commit
from mailserverd.backends.lmdb.records import AccountRecord, decoded_account, decoded_mailbox, unpacked_row
from mailserverd.backends.lmdb.shared_index import apply_effect
from mailserverd.backends.lmdb.stage import Stage
from mailserverd.interfaces.mail_store import Add, Committed, Op, Page, SetFlags, TakeRecent, UidRanges
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import AccountEvent, Change, Changes, Kinds, What
from mailserverd.model.errors import Damaged, NotFound, TooOld
from mailserverd.model.identifiers import AccountId, EmailId, MailboxId, ModSeq, Uid
from mailserverd.model.mailbox import AccountState, MailboxRow
from mailserverd.model.message import INLINE_READ_OCTETS, PAGE_OCTETS, Fields, MessageRow, Segment

if TYPE_CHECKING:
    from mailserverd.backends.lmdb.mail_store import LmdbMailStore

MAX_READ_OCTETS = 1024 * 1024
MAX_IDS = 1000
_HEADER, _OCTETS = int(Fields.HEADER), int(Fields.OCTETS)
_CONTENT = _HEADER | _OCTETS


class LmdbAccountMail:
    __slots__ = ("__weakref__", "_mailboxes", "_names", "_record", "account_id", "gone", "prefix", "store")

    def __init__(
        self,
        store: "LmdbMailStore",
        account_id: AccountId,
        record: AccountRecord,
        mailboxes: dict[MailboxId, MailboxRow],
    ) -> None:
        self.store = store
        self.prefix = account_prefix(account_id)
        self._record = record
        self._mailboxes = mailboxes
        self._names: dict[str, MailboxId] = {}  # empty: not made yet
        self.account_id = account_id
        self.gone = False

    def reload(self) -> None:
        """Memory follows the disk as if the account had just been opened."""
        environment = self.store.environment
        with environment.read() as transaction:
            self._record = decoded_account(transaction.get(self.prefix + b"a"))
        boxes = [decoded_mailbox(value) for _, value in environment.scan(self.prefix + b"m")]
        self._mailboxes = {MailboxId(box.mailbox_id): box.row() for box in boxes}
        self._names = {}

    async def state(self) -> AccountState:
        return self._record.state(self.store.quota(self.account_id))

    async def mailboxes(self) -> list[MailboxRow]:
        return sorted(self._mailboxes.values(), key=lambda row: row.name)

    async def mailbox_named(self, name: str) -> MailboxRow | None:
        if not self._names:
            self._names = {row.name: row.mailbox_id for row in self._mailboxes.values()}
        number = self._names.get(name)
        return None if number is None else self._mailboxes[number]

    async def index(self, mailbox_id: MailboxId) -> MailboxIndex:
        return await self.store.index_of(self, mailbox_id)

    def row_of(self, mailbox_id: MailboxId) -> MailboxRow:
        row = self._mailboxes.get(mailbox_id)
        if row is None:
            raise NotFound("no such mailbox")
        return row

    # Messages

    async def rows(self, mailbox_id: MailboxId, uids: UidRanges, want: Fields, limit: int) -> Page:
        self.row_of(mailbox_id)
        wanted, environment = int(want), self.store.environment
        if not wanted & _CONTENT:
            with environment.read() as transaction:
                found, next_uid = self._read_rows(transaction, mailbox_id, uids, limit)
                return Page([unpacked_row(uid, row, wanted) for uid, row in found], next_uid)
        with environment.snapshot() as (transaction, contents):
            found, next_uid = self._read_rows(transaction, mailbox_id, uids, limit)
            rows = self._rows_with_content(contents, found, wanted)
        return Page(rows, Uid(found[len(rows)][0]) if len(rows) < len(found) else next_uid)

    def _read_rows(
        self, transaction: Transaction, mailbox_id: int, uids: UidRanges, limit: int
    ) -> tuple[list[tuple[int, bytes]], Uid | None]:
        found: list[tuple[int, bytes]] = []
        octets = 0
        kind = self.prefix + b"r" + mailbox_id.to_bytes(4)
        cursor = transaction.cursor()
        for low, high in uids:
            last = kind + high.to_bytes(4)
            if not cursor.set_range(kind + low.to_bytes(4)):
                break
            for key, value in cursor.iternext():
                if key > last:
                    break
                if len(found) >= limit or octets >= PAGE_OCTETS:
                    return found, Uid(int.from_bytes(key[-4:]))
                found.append((int.from_bytes(key[-4:]), value))
                octets += len(value)
        return found, None

    def _rows_with_content(
        self, transaction: Transaction, found: list[tuple[int, bytes]], want: int
    ) -> list[MessageRow]:
        """As many of them, from the first, as a page may hold."""
        rows: list[MessageRow] = []
        octets = 0
        full_row = self._row_with_content if want & _OCTETS else self._row_with_header
        for uid, row in found:
            full = full_row(transaction, uid, row, want)
            rows.append(full)
            octets += len(full.header) + len(full.octets or b"")
            if octets >= PAGE_OCTETS:
                break
        return rows

    def _row_with_header(self, transaction: Transaction, uid: int, row: bytes, want: int) -> MessageRow:
        value = transaction.get(self.prefix + b"b" + row[:16])
        return unpacked_row(uid, row, want) if value is None else unpacked_row(uid, row, want, *content.front_of(value))

    def _row_with_content(self, transaction: Transaction, uid: int, row: bytes, want: int) -> MessageRow:
        value = transaction.get(self.prefix + b"b" + row[:16]) if want & _CONTENT else None
        if value is None:
            return unpacked_row(uid, row, want)
        front = content.front_of(value) if want & _HEADER else (b"", b"", 0)
        octets = None
        if want & _OCTETS and len(value) <= 2 * INLINE_READ_OCTETS:
            with suppress(Damaged):  # who reads the message by ranges is told, and no others of the page
                octets = content.whole_of(value)
            if octets is not None and len(octets) > INLINE_READ_OCTETS:
                octets = None
        return unpacked_row(uid, row, want, *front, octets)

    async def octets(self, email_id: EmailId, start: int, stop: int) -> bytes:
        stop = min(stop, start + MAX_READ_OCTETS)
        known = self.store.opened.get((self.account_id, email_id))
        if known is None:
            found = self._content_of(email_id)
            if isinstance(found, list):
                return await content.read_segments(found, self.store.blobs, start, stop)
            if len(found) > INLINE_READ_OCTETS:
                self.store.remember_opened((self.account_id, email_id), found)
            known = found
        return known[start:stop]

    def _content_of(self, email_id: EmailId) -> bytes | list[Segment]:
        """By itself: a transaction that is over takes a reader's place until its last name is gone (py-lmdb keeps it to
        use it again), and whoever waits for a blob would keep it."""
        with self.store.environment.read(buffers=True) as transaction:
            value = transaction.get(self.prefix + b"b" + email_id)
            if value is None:
                raise NotFound("no such message")
            whole = content.whole_of(value)
            return content.manifest_of(value) if whole is None else whole

    async def by_id(
        self, ids: Sequence[EmailId], want: Fields
    ) -> dict[EmailId, tuple[tuple[MailboxId, MessageRow], ...]]:
        found: dict[EmailId, tuple[tuple[MailboxId, MessageRow], ...]] = {}
        with self.store.environment.snapshot() as (transaction, contents):
            for email_id in ids[:MAX_IDS]:
                places = transaction.get(self.prefix + b"e" + email_id) or b""
                rows = []
                for i in range(0, len(places), 8):
                    mailbox, uid = int.from_bytes(places[i : i + 4]), int.from_bytes(places[i + 4 : i + 8])
                    row = transaction.get(numbered(self.prefix, b"r", mailbox, uid))
                    if row is not None:
                        rows.append((MailboxId(mailbox), self._row_with_content(contents, uid, row, int(want))))
                if rows:
                    found[email_id] = tuple(rows)
        return found

    # History

    async def changes(self, since: ModSeq, kinds: Kinds, limit: int) -> Changes:
        await self.store.settle(self.account_id)
        if since < self._record.changes_floor:
            raise TooOld("the history does not go back that far")
        kind = self.prefix + b"c"
        found: list[Change] = []
        with self.store.environment.read() as transaction:
            cursor = transaction.cursor()
            more = cursor.set_range(kind + (since + 1).to_bytes(8))
            while more and cursor.key().startswith(kind):
                change = stored_change(*cursor.item())
                if (Kinds.MESSAGES if change.what <= What.EXPUNGED else Kinds.MAILBOXES) & kinds:
                    if len(found) >= limit:
                        return Changes(tuple(found), ModSeq(self._record.modseq), True)
                    found.append(self._with_ids(transaction, change) if change.what == What.FLAGS else change)
                more = cursor.next()
        return Changes(tuple(found), ModSeq(self._record.modseq), False)

    def _with_ids(self, transaction: Transaction, change: Change) -> Change:
        """Flag changes of messages that are there still: their email ids are read from their rows."""
        there = [
            (uid, EmailId(row[:16]))
            for uid in change.uids
            if (row := transaction.get(numbered(self.prefix, b"r", change.mailbox_id, uid))) is not None
        ]
        return Change(
            change.modseq, change.what, change.mailbox_id, tuple(u for u, _ in there), tuple(e for _, e in there)
        )

    async def expunged(self, mailbox_id: MailboxId, since: ModSeq) -> list[tuple[int, int]]:
        self.row_of(mailbox_id)
        kind = self.prefix + b"x" + mailbox_id.to_bytes(4)
        with self.store.environment.read() as transaction:
            record = transaction.get(self.prefix + b"m" + mailbox_id.to_bytes(4))
            if record is None or since < decoded_mailbox(record).expunge_floor:
                raise TooOld("the expunge log does not go back that far")
        found = self.store.environment.scan(kind, after=kind + since.to_bytes(8))
        return stored_expunges(value for _, value in found)

    async def attributes(self, prefix: str, limit: int) -> dict[str, bytes]:
        kind = self.prefix + b"p"
        found = self.store.environment.scan(kind + prefix.encode(), limit)
        return {key[len(kind) :].decode(): value for key, value in found}

    # Commits

    async def commit(
        self,
        ops: Sequence[Op],
        idempotency_key: bytes | None = None,
        if_modseq: ModSeq | None = None,
        origin: object | None = None,
        fresh_key: bool = False,
    ) -> Committed:
        if idempotency_key is None and if_modseq is None:
            done = await stages.commit(self, ops, origin)
            if done is not None:
                return done
        return (await self.commit_once(ops, idempotency_key, if_modseq, origin, fresh_key)).committed

    async def commit_once(
        self,
        ops: Sequence[Op],
        idempotency_key: bytes | None = None,
        if_modseq: ModSeq | None = None,
        origin: object | None = None,
        fresh_key: bool = False,
        stage: Stage | None = None,
        large: bool = False,
    ) -> Outcome:
        """One step of the writer. stage, large: see plan_commit and gathering.py."""
        if self.gone:
            raise NotFound("the account was removed")
        store = self.store
        early = idempotency_key is None and all(isinstance(op, SetFlags | TakeRecent) for op in ops)
        octets = sum(op.message.size for op in ops if isinstance(op, Add))
        plan = partial(
            plan_commit,
            account_id=self.account_id,
            terms=store.terms(self.account_id),
            ops=ops,
            key=idempotency_key,
            if_modseq=if_modseq,
            random=store.random,
            fresh_key=fresh_key,
            stage=stage,
        )
        outcome: Outcome = await store.writer.submit(
            plan,
            octets,
            self.account_id,
            early,
            partial(self.apply, origin=origin, early=early),
            partial(early_records.encoded_record, self.account_id, ops) if early else None,
            large,
        )
        return outcome

    def apply(self, outcome: Outcome, origin: object | None, early: bool) -> None:
        """In the reactor thread, before the committer hears of it: memory first, then the event."""
        record = outcome.account
        if record is None or self.gone:
            return
        store = self.store
        if early:
            store.hold(self)
            store.reserved.add(self.account_id)
        if record.version > self._record.version:
            self._record = record
            for number, box in outcome.mailboxes.items():
                self._mailboxes[MailboxId(number)] = box.row()
            for number in outcome.dropped:
                self._mailboxes.pop(MailboxId(number), None)
            if any(effect.change.what >= What.MAILBOX for effect in outcome.effects):
                self._names = {}
        self._update_indexes(outcome, record.version)
        if outcome.effects:
            changes = tuple([effect.change for effect in outcome.effects])
            store.events.publish(AccountEvent(self.account_id, changes, origin))

    def _update_indexes(self, outcome: Outcome, version: int) -> None:
        indexes: dict[int, MailboxIndex] = {}
        for number in (*outcome.mailboxes, *outcome.dropped):
            index = self.store.cached_index(self.account_id, number, version)
            if index is not None:
                indexes[number] = index
        for effect in outcome.effects:
            index = indexes.get(effect.change.mailbox_id)
            if index is not None:
                apply_effect(index, effect)
        for number, index in indexes.items():
            if number in outcome.mailboxes and not index.gone:
                index.row = self._mailboxes[MailboxId(number)]
