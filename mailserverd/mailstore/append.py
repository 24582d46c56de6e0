"""The one door by which messages enter the store: SMTP delivery, APPEND, bounces and imports.

Standing rules: the message is understood here, once; its blobs are durable before the commit that refers to them; a
large message is scanned off the reactor's thread; success is the commit on disk, nothing earlier.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.interfaces.mail_store import AccountMail, Add, MailStore
from mailserverd.mailstore.flags import check_flags
from mailserverd.mailstore.mailboxes import find
from mailserverd.mailstore.quota import check_room
from mailserverd.model.identifiers import AccountId, MailboxId
from mailserverd.model.mailbox import INBOX
from mailserverd.model.message import NewMessage
from mailserverd.wire.mime.record import Incoming, new_message

T = TypeVar("T")
SCAN_IN_THREAD_OCTETS = 262_144
Scan = Callable[[bytes], Incoming]


class InThread(Protocol):
    """Runs a function off the reactor's thread."""

    def __call__(self, function: Callable[[bytes], T], octets: bytes, /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class Scanned:
    """A message whose blobs are stored; it may be put into any number of mailboxes."""

    message: NewMessage

    @property
    def message_id(self) -> bytes:
        return self.message.thread_keys.message_id


class Appended(NamedTuple):
    """What APPENDUID tells (RFC 4315 §3)."""

    uid_validity: int
    uid: int
    mailbox_id: MailboxId
    email_id: bytes
    message_id: bytes = b""


class Ingest:
    """The door, with what lies behind it."""

    def __init__(self, store: MailStore, blobs: BlobStore, in_thread: InThread, scan: Scan = new_message) -> None:
        self._store = store
        self._blobs = blobs
        self._scan = scan
        self._in_thread = in_thread

    async def prepare(self, octets: bytes) -> Scanned:
        """Scan a message and store its blobs. Raises TryAgain."""
        if len(octets) > SCAN_IN_THREAD_OCTETS:
            incoming = await self._in_thread(self._scan, octets)
        else:
            incoming = self._scan(octets)
        if incoming.blobs:
            await self._blobs.put_many([content for _, content in incoming.blobs])
        return Scanned(incoming.message)

    async def deliver(
        self, account_id: AccountId, scanned: object, key: bytes, internal_date: int, first: bool = False
    ) -> str:
        """What prepare() gave, into the account's inbox: "INBOX/UID"; the same key again does nothing. first: the
        key is new. Raises StoreError."""
        assert isinstance(scanned, Scanned)
        mail = await self._store.open(account_id)
        row = await find(mail, INBOX)
        done = await mail.commit([Add(row.mailbox_id, scanned.message, (), internal_date)], key, fresh_key=first)
        return f"{INBOX}/{done.results[0].placed[0].uid}"

    async def keep_sent(self, account_id: AccountId, scanned: object, key: bytes, internal_date: int) -> None:
        """What prepare() gave, seen, into the mailbox for sent mail; nothing where there is none. Raises StoreError."""
        assert isinstance(scanned, Scanned)
        mail = await self._store.open(account_id)
        for row in await mail.mailboxes():
            if "\\Sent" in row.special_use:
                await mail.commit([Add(row.mailbox_id, scanned.message, ("\\Seen",), internal_date)], key)
                return

    async def append(
        self,
        mail: AccountMail,
        name: str,
        octets: bytes,
        flags: tuple[str, ...],
        internal_date: int,
        internal_offset: int = 0,
        origin: object | None = None,
    ) -> Appended:
        """Into a mailbox by name. Raises NotFound (no such mailbox), OverQuota, NotPermitted, LimitReached."""
        row = await find(mail, name)
        check_flags(flags)
        await check_room(mail, len(octets))
        scanned = await self.prepare(octets)
        add = Add(row.mailbox_id, scanned.message, flags, internal_date, internal_offset)
        done = await mail.commit([add], origin=origin)
        placed = done.results[0].placed[0]
        return Appended(row.uid_validity, placed.uid, row.mailbox_id, placed.email_id, scanned.message_id)
