"""What an account may send, asked at RCPT, at the end of the message, and once more before each attempt.

Standing rules: every refusal is one clear line; the suspension comes first, then the recipient, then the amount. An
attempt is stopped by what became known since the message was accepted; what is suspended waits, nothing is lost.
"""

from collections.abc import Mapping, Sequence

from twisted.logger import Logger

from mailserverd.interfaces.sent_messages import SentMessages
from mailserverd.model.account import Account
from mailserverd.model.errors import StoreError
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry
from mailserverd.model.reputation import SentMessage
from mailserverd.queue.caps import Caps
from mailserverd.queue.parts import Wait
from mailserverd.queue.suppression import SuppressionList, said
from mailserverd.queue.suspension import Suspensions

SUSPENDED_WAIT_SECONDS = 300

_log = Logger()


class AccountRules:
    """The SendingRules of submission and the Screening of the engine."""

    def __init__(self, suspensions: Suspensions, suppression: SuppressionList, caps: Caps, sent: SentMessages) -> None:
        self._sent = sent
        self._suspensions = suspensions
        self._suppression = suppression
        self._caps = caps

    async def recipient(self, account: Account, address: str, now: int) -> Refused | TryLater | None:
        suspended = await self._suspensions.refusal(account.account_id)
        if suspended is not None:
            return suspended
        classes = [] if account.mail_classes else [account.mail_class]  # it may name another one than its own yet
        found = await self._suppression.of(address, account.account_id, classes, now)
        if found is not None:
            return Refused("5.7.1", said(found))
        return await self._caps.recipient(account, address, now)

    async def message(self, account: Account, addresses: Sequence[str], now: int) -> Refused | TryLater | None:
        suspended = await self._suspensions.refusal(account.account_id)
        return suspended if suspended is not None else await self._caps.message(account, addresses, now)

    async def accepted(self, entry: QueueEntry, addresses: Sequence[str]) -> None:
        """Only for what an account sends: nobody is judged by the rest."""
        if entry.account_id is None:
            return
        message = SentMessage(
            entry.queue_id,
            entry.account_id,
            entry.sender,
            entry.mail_class,
            entry.message_id,
            entry.created,
            len(addresses),
            entry.envid,
        )
        try:
            await self._sent.record(message, addresses)
        except StoreError as error:
            _log.warn("reports on a message will not be matched", queue_id=entry.queue_id, why=str(error))

    async def stopped(
        self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], now: int
    ) -> Mapping[int, Refused | Wait]:
        account_id = entry.account_id
        if account_id is not None:
            suspended = await self._suspensions.of(account_id)
            if suspended is not None:
                wait = Wait(now + SUSPENDED_WAIT_SECONDS, f"the account is suspended from sending: {suspended.why}")
                return {each.position: wait for each in recipients}
        stopped: dict[int, Refused | Wait] = {}
        if not entry.sender and account_id is None:
            return stopped  # our own reports are few, and owed
        for each in recipients:
            found = await self._suppression.of(each.address, account_id, [entry.mail_class], now)
            if found is not None:
                stopped[each.position] = Refused("5.7.1", said(found))
        return stopped
