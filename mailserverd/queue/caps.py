"""How much an account, and a domain, may send to other servers: messages an hour, new recipients a day.

Standing rules: what would pass a limit is refused whole and counts nothing; what passes is counted once, with the
message; the counts outlive the process. "An hour" slides in steps of five minutes, "a day" in steps of an hour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailserverd.interfaces.sending_counts import SendingCounts
from mailserverd.model.account import Account
from mailserverd.model.address import canonical_address
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.reputation import Meter

ACCOUNT_MESSAGES = Meter("am", 300, 12)
DOMAIN_MESSAGES = Meter("dm", 300, 12)
NEW_RECIPIENTS = Meter("nr", 3_600, 24)


@dataclass(frozen=True, slots=True)
class CapSettings:
    """0: no limit."""

    account_messages_per_hour: int
    account_new_recipients_per_day: int
    domain_messages_per_hour: int


class Caps:
    """settings: asked each time, so that a reload counts."""

    def __init__(self, counts: SendingCounts, settings: Callable[[], CapSettings]) -> None:
        self._counts = counts
        self._settings = settings

    async def recipient(self, account: Account, address: str, now: int) -> Refused | TryLater | None:
        """Whether one more may be there, before the message is: nobody needs to send what is refused at its end."""
        over = await self._too_many_messages(account, now)
        if over is not None:
            return over
        limit = self._settings().account_new_recipients_per_day
        if not limit or await self._counts.total(NEW_RECIPIENTS, _subject(account), now) < limit:
            return None
        stranger = await self._counts.strangers(account.account_id, [canonical_address(address)])
        return _too_many_strangers(limit) if stranger else None

    async def message(self, account: Account, addresses: Sequence[str], now: int) -> Refused | TryLater | None:
        """Count a message, or say why not."""
        over = await self._too_many_messages(account, now)
        if over is not None:
            return over
        strangers = await self._counts.strangers(account.account_id, [canonical_address(each) for each in addresses])
        limit = self._settings().account_new_recipients_per_day
        if limit and strangers:
            if len(strangers) > limit:
                why = f"you may write to {limit} new recipients a day, and these are {len(strangers)}"
                return Refused("5.7.1", why)
            if await self._counts.total(NEW_RECIPIENTS, _subject(account), now) + len(strangers) > limit:
                return _too_many_strangers(limit)
        await self._counts.add(ACCOUNT_MESSAGES, _subject(account), 1, now)
        await self._counts.add(DOMAIN_MESSAGES, _domain(account), 1, now)
        if strangers:
            await self._counts.add(NEW_RECIPIENTS, _subject(account), len(strangers), now)
            await self._counts.know(account.account_id, strangers, now)
        return None

    async def _too_many_messages(self, account: Account, now: int) -> TryLater | None:
        settings = self._settings()
        limit = settings.account_messages_per_hour
        if limit and await self._counts.total(ACCOUNT_MESSAGES, _subject(account), now) >= limit:
            return TryLater("4.7.1", f"you may send {limit} messages an hour to other servers; try again later")
        limit = settings.domain_messages_per_hour
        if limit and await self._counts.total(DOMAIN_MESSAGES, _domain(account), now) >= limit:
            why = f"your domain may send {limit} messages an hour to other servers; try again later"
            return TryLater("4.7.1", why)
        return None


def _too_many_strangers(limit: int) -> TryLater:
    return TryLater("4.7.1", f"you may write to {limit} new recipients a day; try again later")


def _subject(account: Account) -> str:
    return str(account.account_id)


def _domain(account: Account) -> str:
    return account.address.rpartition("@")[2]
