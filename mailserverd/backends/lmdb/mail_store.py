"""LmdbMailStore: the MailStore of one process, its accounts and indexes in memory as long as they are used.

Standing rules: one object an account and one an index while anyone holds it; what is kept beyond that is bounded;
`start` comes before anything else is written, for it does again what the early journal holds.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

from mailserverd.backends.lmdb.account_mail import LmdbAccountMail
from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.early_records import plan_replay
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.keys import INDEX_JOURNAL, account_prefix
from mailserverd.backends.lmdb.off_reactor import OffReactor
from mailserverd.backends.lmdb.plan_account import AccountPlan, Terms
from mailserverd.backends.lmdb.read_ahead import READ_AHEAD_MESSAGES, read_ahead
from mailserverd.backends.lmdb.records import decoded_account, decoded_mailbox, encoded
from mailserverd.backends.lmdb.shared_index import loaded_index
from mailserverd.backends.lmdb.stage import decoded_copy
from mailserverd.backends.lmdb.stages import take_back
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.interfaces.event_bus import EventBus
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.identifiers import AccountId, MailboxId
from mailserverd.model.mailbox import MailboxRow

_KEPT_ACCOUNTS = 1024
_KEPT_INDEXES = 1024
_KEPT_MESSAGES = 2_000_000  # 20 octets each
_KEPT_OCTETS = 16 * 1024 * 1024
_REMOVED_A_COMMIT = 5000


@dataclass(frozen=True, slots=True)
class StoreSettings:
    max_mailboxes: int = 10_000
    zstd_level: int = 1


class LmdbMailStore:
    """clock: seconds since the epoch. random: os.urandom's kind. quota: octets of an account, None: no bound."""

    def __init__(
        self,
        environment: Environment,
        writer: Writer,
        journal: EarlyJournal,
        blobs: BlobStore,
        events: EventBus,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        quota: Callable[[AccountId], int | None],
        settings: StoreSettings,
        threads: OffReactor,
    ) -> None:
        self.environment = environment
        self.writer = writer
        self.blobs = blobs
        self.events = events
        self.random = random
        self.quota = quota
        self.opened: OrderedDict[tuple[int, bytes], bytes] = OrderedDict()
        self._clock = clock
        self._settings = settings
        self._threads = threads
        self._boot = int.from_bytes(random(7))
        self._left_behind = journal.records()
        self._accounts: WeakValueDictionary[int, LmdbAccountMail] = WeakValueDictionary()
        self._kept_accounts: OrderedDict[int, LmdbAccountMail] = OrderedDict()
        self._indexes: WeakValueDictionary[tuple[int, int], MailboxIndex] = WeakValueDictionary()
        self._versions: dict[tuple[int, int], int] = {}
        self._kept_indexes: OrderedDict[tuple[int, int], MailboxIndex] = OrderedDict()
        self.reserved: set[int] = set()
        self.copying: set[bytes] = set()  # keys of COPYs that are being done in stages
        self._unsettled: dict[int, LmdbAccountMail] = {}
        writer.on_settled = self._unsettled.clear
        writer.on_lost = self._lost

    async def start(self) -> int:
        """Do again what was acknowledged early and not committed when the last run ended; how many commits."""
        records, self._left_behind = self._left_behind, []
        if not records:
            return 0
        return await self.writer.submit(partial(plan_replay, records=records, boot=self._boot, now=self._clock()))

    async def stop(self) -> None:
        """Everything acknowledged is on disk; give back the MODSEQs that were reserved and never told."""
        reserved, self.reserved = self.reserved, set()
        await self.writer.submit(partial(_unreserve, account_ids=reserved))

    def terms(self, account_id: AccountId) -> Terms:
        return Terms(
            self._boot,
            self._clock(),
            self.quota(account_id),
            self._settings.max_mailboxes,
            self._settings.zstd_level,
        )

    async def open(self, account_id: AccountId) -> LmdbAccountMail:
        account = self._accounts.get(account_id)
        if account is None:
            account = await self._load(account_id)
        self._kept_accounts[account_id] = account
        self._kept_accounts.move_to_end(account_id)
        if len(self._kept_accounts) > _KEPT_ACCOUNTS:
            self._kept_accounts.popitem(last=False)
        return account

    async def _load(self, account_id: AccountId) -> LmdbAccountMail:
        prefix = account_prefix(account_id)
        stored = self.environment.get(prefix + b"a")
        record = decoded_account(stored) if stored is not None else None
        if record is None or (record.boot != self._boot and record.mark > record.modseq):
            await self.writer.submit(partial(_settle_account, account_id=account_id, terms=self.terms(account_id)))
        known = self._accounts.get(account_id)  # loaded by another caller meanwhile
        if known is not None:
            return known
        with self.environment.read() as transaction:
            record = decoded_account(transaction.get(prefix + b"a"))
        rows: dict[MailboxId, MailboxRow] = {}
        for _, value in self.environment.scan(prefix + b"m"):
            box = decoded_mailbox(value)
            rows[MailboxId(box.mailbox_id)] = box.row()
        account = self._accounts[account_id] = LmdbAccountMail(self, account_id, record, rows)
        for key, value in self.environment.scan(prefix + b"w"):
            if key not in self.copying:
                await take_back(account, key, decoded_copy(value))
        return account

    async def remove(self, account_id: AccountId) -> None:
        prefix = account_prefix(account_id)
        account = self._accounts.pop(account_id, None)
        if account is not None:
            account.gone = True
        self._kept_accounts.pop(account_id, None)
        self._end_indexes(account_id)
        while await self.writer.submit(partial(_remove_some, prefix=prefix), order=account_id):
            pass

    def refresh(self, account_id: AccountId) -> None:
        """The account's records were mended behind its back: read them again, and end what was selected in it."""
        self._end_indexes(account_id)
        account = self._accounts.get(account_id)
        if account is not None:
            account.reload()

    # Indexes

    async def index_of(self, account: LmdbAccountMail, mailbox_id: MailboxId) -> MailboxIndex:
        row = account.row_of(mailbox_id)
        key = (account.account_id, mailbox_id)
        index = self._indexes.get(key)
        if index is None:
            if row.messages > READ_AHEAD_MESSAGES:
                await self._threads.run(partial(read_ahead, self.environment, account.prefix, row))
            await self.settle(account.account_id)
            index = self._indexes.get(key) or self._load_index(account, mailbox_id)
        self._kept_indexes[key] = index
        self._kept_indexes.move_to_end(key)
        held = sum(len(each.uids) for each in self._kept_indexes.values()) if len(self._kept_indexes) > 1 else 0
        while len(self._kept_indexes) > 1 and (held > _KEPT_MESSAGES or len(self._kept_indexes) > _KEPT_INDEXES):
            _, dropped = self._kept_indexes.popitem(last=False)
            held -= len(dropped.uids)
        return index

    def _load_index(self, account: LmdbAccountMail, mailbox_id: MailboxId) -> MailboxIndex:
        account.row_of(mailbox_id)
        prefix = account_prefix(account.account_id)
        with self.environment.read(buffers=True) as transaction:
            record = decoded_account(transaction.get(prefix + b"a"))
            box = transaction.get(prefix + b"m" + mailbox_id.to_bytes(4))
            row = decoded_mailbox(box).row() if box is not None else account.row_of(mailbox_id)
            index = loaded_index(transaction, prefix, row)
        key = (account.account_id, mailbox_id)
        self._indexes[key] = index
        self._versions[key] = record.version
        if len(self._versions) > 2 * len(self._indexes) + 64:
            self._versions = {each: version for each, version in self._versions.items() if each in self._indexes}
        return index

    def cached_index(self, account_id: int, mailbox_id: int, version: int) -> MailboxIndex | None:
        """The index, if it is in memory and has not seen this version of the account yet."""
        key = (account_id, mailbox_id)
        index = self._indexes.get(key)
        if index is None or self._versions.get(key, 0) >= version:
            return None
        self._versions[key] = version
        return index

    def _end_indexes(self, account_id: int) -> None:
        """Whoever has a mailbox of the account selected finds it gone."""
        for key, index in list(self._indexes.items()):
            if key[0] == account_id:
                index.gone = True
                self._indexes.pop(key, None)
                self._kept_indexes.pop(key, None)
                self._versions.pop(key, None)

    # Early acknowledgements

    def hold(self, account: LmdbAccountMail) -> None:
        """Memory of this account is ahead of the disk until the next commit."""
        self._unsettled[account.account_id] = account

    async def settle(self, account_id: int) -> None:
        """Wait until what was acknowledged early is on disk, where that is so for this account."""
        while account_id in self._unsettled:
            await self.writer.submit(_nothing)

    def _lost(self) -> None:
        """Early acknowledgements could not be stored: nothing in memory of those accounts may be trusted."""
        for account_id in list(self._unsettled):
            self._accounts.pop(account_id, None)
            self._kept_accounts.pop(account_id, None)
            self._end_indexes(account_id)
        self._unsettled.clear()

    def remember_opened(self, key: tuple[int, bytes], octets: bytes) -> None:
        self.opened[key] = octets
        while sum(map(len, self.opened.values())) > _KEPT_OCTETS:
            self.opened.popitem(last=False)


def _nothing(step: Step) -> None:
    """A plan whose only effect is that what came before is committed."""


def _settle_account(step: Step, account_id: int, terms: Terms) -> None:
    """Make the account, or go on above its mark after a restart."""
    AccountPlan(step, account_id, terms).put()


def _unreserve(step: Step, account_ids: set[int]) -> None:
    for account_id in account_ids:
        key = account_prefix(account_id) + b"a"
        stored = step.get(key)
        if stored is not None:
            record = decoded_account(stored)
            record.mark = record.modseq
            step.put(key, encoded(record))


def _remove_some(step: Step, prefix: bytes) -> bool:
    found = step.scan(prefix, _REMOVED_A_COMMIT)
    for key, _ in found:
        step.delete(key)
    step.delete(INDEX_JOURNAL + prefix[1:])
    return len(found) == _REMOVED_A_COMMIT
