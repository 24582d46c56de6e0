"""MailStore: the seam that LMDB and, later, Cassandra fill; neither may show through.

Atomicity  One `commit` is one atomic step for one account: it allocates UIDs and MODSEQs, updates counters,
           change log, expunge log, threads and the index journal together, or changes nothing at all. The one
           exception: a Copy, Move or Expunge of many messages, alone in its commit, and the emptying of a mailbox
           that is dropped, may be several such steps with those of others in between. Each message is whole in
           each; where one fails, an Expunge or a Move is done in part, and a Copy is taken back.
Order      Commits of one account happen in the order in which they were asked for. Operations are relative to
           what is stored and are judged inside the commit, a message at a time.
Durability `commit` returns after it is on disk. The one exception: a commit of nothing but SetFlags and
           TakeRecent may return up to `[store] early_flags_ms` earlier (switchable), and then never with a
           MODSEQ above a durably reserved mark from which a restart goes on.
Ownership  `open` takes the account's lease; a commit under a stale one gets TryAgain. One account has one
           writer at a time, its owner.
Events     After the commit the store updates the shared MailboxIndex and then publishes one AccountEvent on
           the EventBus, both before `commit` returns to its caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import Changes, Kinds
from mailserverd.model.identifiers import AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid
from mailserverd.model.mailbox import AccountState, MailboxRow
from mailserverd.model.message import Fields, MessageRow, NewMessage

UidRanges = Sequence[tuple[int, int]]
"""Sorted, disjoint, inclusive ranges of UIDs."""


class Add(NamedTuple):
    """Put a message into a mailbox. Its blobs are stored already. flags are names ("\\Seen", "$Junk").

    internal_date: seconds since the epoch; internal_offset: minutes east of UTC.
    thread: None = the store finds the thread by the message's thread keys.
    """

    mailbox_id: MailboxId
    message: NewMessage
    flags: tuple[str, ...]
    internal_date: int
    internal_offset: int = 0
    thread: ThreadId | None = None


@dataclass(frozen=True, slots=True)
class SetFlags:
    """add: these flags are set too; remove: these are cleared; replace: exactly these are set.

    unchanged_since: a message with a higher modseq is left alone and reported as modified (RFC 7162 §3.1.3).
    """

    mailbox_id: MailboxId
    uids: UidRanges
    how: str  # "add" | "remove" | "replace"
    flags: tuple[str, ...]
    unchanged_since: ModSeq | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """Flags, internal date and email_id are kept (RFC 9051 §6.4.7); target may be the source."""

    mailbox_id: MailboxId
    uids: UidRanges
    target: MailboxId


@dataclass(frozen=True, slots=True)
class Move:
    """Copy and expunge in one step (RFC 6851): a message is in one of the two, never in both or neither."""

    mailbox_id: MailboxId
    uids: UidRanges
    target: MailboxId


@dataclass(frozen=True, slots=True)
class Expunge:
    """only_deleted: leave those without \\Deleted."""

    mailbox_id: MailboxId
    uids: UidRanges
    only_deleted: bool = True


@dataclass(frozen=True, slots=True)
class PutMailbox:
    """mailbox_id None creates (AlreadyExists when the name is taken); otherwise what is not None is changed.

    Renaming a mailbox that has children renames them too (RFC 9051 §6.3.6). Renaming the inbox is not done
    here: mailstore moves its messages.
    """

    mailbox_id: MailboxId | None
    name: str | None = None
    special_use: tuple[str, ...] | None = None
    subscribed: bool | None = None


@dataclass(frozen=True, slots=True)
class DropMailbox:
    """Deletes the mailbox and its messages; children stay. The inbox cannot be dropped."""

    mailbox_id: MailboxId


@dataclass(frozen=True, slots=True)
class TakeRecent:
    """A read-write session announces \\Recent: recent_from becomes uid_next. OpResult.recent_from: as it was."""

    mailbox_id: MailboxId


@dataclass(frozen=True, slots=True)
class PutAttribute:
    """A small named value of the account (value None removes it): subscriptions to absent mailboxes, settings."""

    name: str
    value: bytes | None


Op = Add | SetFlags | Copy | Move | Expunge | PutMailbox | DropMailbox | TakeRecent | PutAttribute


class Placed(NamedTuple):
    """source_uid is 0 for an Add."""

    source_uid: int
    mailbox_id: int
    uid: int
    email_id: bytes
    thread_id: bytes


class OpResult(NamedTuple):
    """What one operation did.

    done      UIDs changed (SetFlags: those whose flags match the wish now, changed or not), expunged, moved
    modified  UIDs left alone because of unchanged_since
    missing   how many of the UIDs named one by one were not there (ranges never miss)
    placed    Add, Copy, Move: where messages went, in UID order of the source
    """

    done: tuple[Uid, ...] = ()
    modified: tuple[Uid, ...] = ()
    placed: tuple[Placed, ...] = ()
    mailbox_id: MailboxId | None = None
    uid_validity: int = 0
    recent_from: int = 0
    missing: int = 0


class Committed(NamedTuple):
    """modseq: the account's after this commit. results: one per operation. replayed: the key was known already."""

    modseq: ModSeq
    results: tuple[OpResult, ...]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows by ascending UID. next_uid: where to go on, or None when there is no more."""

    rows: list[MessageRow] = field(default_factory=list)
    next_uid: Uid | None = None


class AccountMail(Protocol):
    """The mail of one account. All reads show what is committed (flags: what is acknowledged)."""

    account_id: AccountId

    async def state(self) -> AccountState: ...

    async def mailboxes(self) -> list[MailboxRow]:
        """All mailboxes, by name. Bounded by the limit on mailboxes an account."""
        ...

    async def mailbox_named(self, name: str) -> MailboxRow | None: ...

    async def index(self, mailbox_id: MailboxId) -> MailboxIndex:
        """The shared index: the same object for every caller while anyone holds it. Raises NotFound."""
        ...

    async def rows(self, mailbox_id: MailboxId, uids: UidRanges, want: Fields, limit: int) -> Page:
        """At most `limit` rows of the UIDs named, and fewer where they hold more than PAGE_OCTETS; UIDs that are not
        there (any more) are left out."""
        ...

    async def octets(self, email_id: EmailId, start: int, stop: int) -> bytes:
        """The octets [start, stop) of a message, exactly as they came; at most 1 MiB. Raises NotFound, Damaged."""
        ...

    async def by_id(
        self, ids: Sequence[EmailId], want: Fields
    ) -> dict[EmailId, tuple[tuple[MailboxId, MessageRow], ...]]:
        """A row per placement; ids that are not there are left out. At most 1,000 ids a call."""
        ...

    async def changes(self, since: ModSeq, kinds: Kinds, limit: int) -> Changes:
        """The history after `since`, oldest first. Raises TooOld."""
        ...

    async def expunged(self, mailbox_id: MailboxId, since: ModSeq) -> list[tuple[int, int]]:
        """UID ranges expunged from the mailbox after `since` (RFC 7162 §3.2.10). Raises TooOld."""
        ...

    async def attributes(self, prefix: str, limit: int) -> dict[str, bytes]: ...

    async def commit(
        self,
        ops: Sequence[Op],
        idempotency_key: bytes | None = None,
        if_modseq: ModSeq | None = None,
        origin: object | None = None,
        fresh_key: bool = False,
    ) -> Committed:
        """Do all of `ops`, or nothing.

        idempotency_key: at most 64 octets; a second commit with the same key does nothing and returns the first
        one's result (kept for at least 7 days). fresh_key: it was never used before, so it is kept but not looked up.
        origin: goes into the AccountEvent.
        Raises TryAgain, Conflict, NotFound, AlreadyExists, OverQuota, LimitReached.
        """
        ...


class MailStore(Protocol):
    async def open(self, account_id: AccountId) -> AccountMail:
        """The mail of an account; the same object while it is in use. An account that never had mail is empty
        and has its inbox. Raises TryAgain."""
        ...

    async def remove(self, account_id: AccountId) -> None:
        """Delete all mail of an account for good."""
        ...
