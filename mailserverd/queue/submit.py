"""A message enters the queue: its class, its times, one durable entry.

Standing rules: what is refused is refused before anything is stored; submitted means on disk; a field that is only for
us (X-Mail-Class) never leaves; a message of this server itself has no account and meets no limit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.model.account import Account
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.wire.smtp.options import NO_MAIL_OPTIONS, MailOptions

NO_SUCH_CLASS = Refused("5.7.1", "X-Mail-Class names a class that your account may not use")
TOO_LATE = Refused("5.4.7", "the time by which it is to be delivered has passed")
_DEFAULT_CLASS = MailClass()

_log = Logger()


class Addressee(NamedTuple):
    """destination: see QueuedRecipient. notify, orcpt: RFC 3461."""

    address: str
    destination: str
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """message: with its trace header, without Return-Path. mail_class: what the message itself names, or "".

    account: who sends; None: this server. forwarded: others wrote it, and an alias leads on.
    """

    queue_id: str
    sender: str
    recipients: Sequence[Addressee]
    message: bytes
    now: int
    account: Account | None = None
    mail_class: str = ""
    message_id: str = ""
    body: str = "8BITMIME"
    smtputf8: bool = False
    options: MailOptions = NO_MAIL_OPTIONS
    forwarded: bool = False


class SendingRules(Protocol):
    """What an account may send: caps, suppression, suspension."""

    async def recipient(self, account: Account, address: str, now: int) -> Refused | TryLater | None:
        """Asked at RCPT. Raises StoreError."""
        ...

    async def message(self, account: Account, addresses: Sequence[str], now: int) -> Refused | TryLater | None:
        """Asked, and counted, when the message is there. Raises StoreError."""
        ...

    async def accepted(self, entry: QueueEntry, addresses: Sequence[str]) -> None:
        """It is about to be in the queue: remember it for the reports that may come. Raises nothing."""
        ...


class Submit:
    """wake: tells the scheduler that something is due. seconds: the wall clock."""

    def __init__(
        self,
        store: QueueStore,
        rules: SendingRules,
        settings: Callable[[], Outbound],
        seconds: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._rules = rules
        self._settings = settings
        self._seconds = seconds
        self._wake = wake

    async def admits(self, account: Account, address: str) -> Refused | TryLater | None:
        """None: mail of the account to this address elsewhere is taken. Raises StoreError."""
        return await self._rules.recipient(account, address, int(self._seconds()))

    async def submit(self, wanted: Submission) -> Refused | TryLater | None:
        """None: it is in the queue, on disk. Raises StoreError."""
        outbound = self._settings()
        account = wanted.account
        name = class_of(wanted, outbound)
        if isinstance(name, Refused):
            return name
        if wanted.options.by_mode == "R" and wanted.options.deliver_by <= 0:
            return TOO_LATE
        addresses = [each.address for each in wanted.recipients]
        if account is not None:
            refusal = await self._rules.message(account, addresses, wanted.now)
            if refusal is not None:
                return refusal
        entry = entry_of(wanted, name, outbound)
        remembered = Deferred.fromCoroutine(self._rules.accepted(entry, addresses))  # in the same commit
        await self._store.submit(entry, recipients_of(wanted, entry), wanted.message)
        await remembered
        if account is None:  # what comes from a client is logged where it is received
            _log.info(
                "message queued",
                queue_id=wanted.queue_id,
                sender=wanted.sender,
                recipients=len(wanted.recipients),
                octets=len(wanted.message),
                mail_class=name,
            )
        self._wake()
        return None


def class_of(wanted: Submission, outbound: Outbound) -> str | Refused:
    """The class that the message names, if its account may use it; else the account's; else the server's."""
    account = wanted.account
    if account is None:
        return outbound.default_class if not wanted.mail_class else wanted.mail_class
    own = account.mail_class if account.mail_class in outbound.classes else outbound.default_class
    if not wanted.mail_class or wanted.mail_class == own:
        return own
    allowed = wanted.mail_class in outbound.classes and wanted.mail_class in account.mail_classes
    return wanted.mail_class if allowed else NO_SUCH_CLASS


def entry_of(wanted: Submission, name: str, outbound: Outbound) -> QueueEntry:
    kind = outbound.classes.get(name, _DEFAULT_CLASS)
    options, now = wanted.options, wanted.now
    start = first_attempt(wanted)
    deliver_by = now + options.deliver_by if options.by_mode else 0
    expires = start + (kind.max_age_seconds or outbound.max_age_seconds)
    return QueueEntry(
        queue_id=wanted.queue_id,
        sender=wanted.sender,
        account_id=wanted.account.account_id if wanted.account is not None else None,
        mail_class=name,
        created=now,
        expires=min(expires, deliver_by) if options.by_mode == "R" else expires,
        size=len(wanted.message),
        message_id=wanted.message_id,
        body=wanted.body,
        smtputf8=wanted.smtputf8,
        require_tls=options.require_tls,
        ret=options.ret,
        envid=options.envid,
        priority=options.priority or kind.priority,
        deliver_by=deliver_by,
        by_mode=options.by_mode,
        forwarded=wanted.forwarded,
    )


def first_attempt(wanted: Submission) -> int:
    """When it may go: what the sender asked for (RFC 4865), and the time in which it can still be undone."""
    options = wanted.options
    undo = wanted.account.hold_seconds if wanted.account is not None else 0
    return max(wanted.now + max(options.hold_seconds, undo), options.hold_until)


def recipients_of(wanted: Submission, entry: QueueEntry) -> list[QueuedRecipient]:
    due = first_attempt(wanted)
    return [
        QueuedRecipient(
            queue_id=entry.queue_id,
            position=position,
            address=each.address,
            destination=each.destination,
            state=State.DUE,
            next_attempt=due,
            notify=each.notify,
            orcpt=each.orcpt,
        )
        for position, each in enumerate(wanted.recipients)
    ]
