"""The door to stored mail as delivery uses it, and what its errors mean for a copy.

Standing rule: whatever the store raises becomes an Outcome here and nowhere else.
"""

from typing import Protocol

from twisted.logger import Logger

from mailserverd.model.errors import LimitReached, NotFound, OverQuota, StoreError
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater

DELIVERED = Delivered()
STORE_FAILED = TryLater("4.3.0", "the message cannot be stored now")
FULL = TryLater("4.2.2", "the mailbox is full")
GONE = Refused("5.1.1", "the mailbox is gone")
LIMIT = TryLater("4.2.0", "the mailbox takes no more messages")

_log = Logger()


class Scanned(Protocol):
    """A message that was scanned and whose blobs are stored: `Copies.deliver` takes it as often as it has accounts.

    message_id: of its Message-ID field, without angle brackets, b"" where there is none.
    """

    @property
    def message_id(self) -> bytes: ...


class Copies(Protocol):
    """mailstore/append."""

    async def prepare(self, octets: bytes) -> Scanned:
        """Scan the message and store its blobs. Raises StoreError."""
        ...

    async def deliver(
        self, account_id: AccountId, scanned: Scanned, key: bytes, internal_date: int, first: bool = False
    ) -> str:
        """Put it into the account's inbox, and tell where that is ("INBOX/17"); durable when it returns; the same
        key again does nothing. first: the key was never used before. Raises StoreError."""
        ...

    async def keep_sent(self, account_id: AccountId, scanned: Scanned, key: bytes, internal_date: int) -> None:
        """Put it, seen, into the account's mailbox for sent mail, if it has one. Raises StoreError."""
        ...


def outcome_of(error: Exception, queue_id: str) -> TryLater | Refused:
    """What an error means for a copy; what nobody foresaw is ours, logged, and temporary."""
    if isinstance(error, OverQuota):
        return FULL
    if isinstance(error, NotFound):
        return GONE
    if isinstance(error, LimitReached):
        return LIMIT
    if isinstance(error, StoreError):
        _log.error("delivery put off: look after the store", queue_id=queue_id, why=str(error))
    else:
        _log.failure("delivery put off by an error of ours", queue_id=queue_id)
    return STORE_FAILED


def label_of(outcome: Outcome) -> str:
    """The outcome as metrics and traces name it."""
    if isinstance(outcome, Delivered):
        return "delivered"
    return "try_later" if isinstance(outcome, TryLater) else "refused"


def reason_of(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Delivered) else f"{outcome.status} {outcome.why}"


def where_of(outcome: Outcome) -> str:
    return outcome.where if isinstance(outcome, Delivered) else ""
