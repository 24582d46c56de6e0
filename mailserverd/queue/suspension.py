"""An account that does harm is suspended from sending: judged by its bounces and complaints, told, and lifted by hand.

Standing rules: judged over 24 hours and only from a number of recipients on; a suspension is durable before anybody is
told of it, and is told once; what waits in the queue stays there until it is lifted. Lifting begins the count anew.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from twisted.logger import Logger

from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.interfaces.sending_counts import SendingCounts
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused
from mailserverd.model.reputation import Meter, Suspension

RECIPIENTS = Meter("jr", 3_600, 24)
BOUNCES = Meter("jb", 3_600, 24)
COMPLAINTS = Meter("jc", 3_600, 24)
BY_RATES = "rates"

_log = Logger()


@dataclass(frozen=True, slots=True)
class SuspensionSettings:
    """percents: 0 for never."""

    minimum_recipients: int
    bounce_percent: float
    complaint_percent: float


class Suspensions:
    """tell: makes the owner and the administrator know of a suspension; True once both have it durably."""

    def __init__(
        self,
        store: ReputationStore,
        counts: SendingCounts,
        settings: Callable[[], SuspensionSettings],
        tell: Callable[[Suspension], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._counts = counts
        self._settings = settings
        self._tell = tell

    async def of(self, account_id: AccountId) -> Suspension | None:
        return await self._store.suspension(account_id)

    async def refusal(self, account_id: AccountId) -> Refused | None:
        found = await self._store.suspension(account_id)
        return None if found is None else Refused("5.7.1", f"your account is suspended from sending: {found.why}")

    async def settled(self, account_id: AccountId, recipients: int, bounced: int, now: int) -> None:
        """So many recipients came to their end, so many of them by a hard bounce."""
        subject = str(account_id)
        if recipients:
            await self._counts.add(RECIPIENTS, subject, recipients, now)
        if bounced:
            await self._counts.add(BOUNCES, subject, bounced, now)
            await self._judge(account_id, now)

    async def complained(self, account_id: AccountId, now: int) -> None:
        await self._counts.add(COMPLAINTS, str(account_id), 1, now)
        await self._judge(account_id, now)

    async def suspend(self, account_id: AccountId, why: str, by: str, now: int) -> Suspension:
        """Or the suspension that there is."""
        standing = await self._store.suspension(account_id)
        if standing is not None:
            return standing
        made = Suspension(account_id, now, why, by)
        await self._store.put_suspension(made)
        _log.warn("account suspended from sending: {why}", account=account_id, why=why, by=by)
        await self._tell_once(made)
        return made

    async def resume(self, account_id: AccountId) -> bool:
        """Whether it was suspended."""
        lifted = await self._store.remove_suspension(account_id)
        for meter in (RECIPIENTS, BOUNCES, COMPLAINTS):
            await self._counts.reset(meter, str(account_id))
        if lifted:
            _log.info("account may send again", account=account_id)
        return lifted

    async def tell_untold(self) -> None:
        """After a start, and from time to time."""
        for each in await self._store.suspensions():
            if not each.told:
                await self._tell_once(each)

    async def _tell_once(self, made: Suspension) -> None:
        if await self._tell(made) and await self._store.suspension(made.account_id) == made:
            await self._store.put_suspension(replace(made, told=True))

    async def _judge(self, account_id: AccountId, now: int) -> None:
        subject = str(account_id)
        recipients = await self._counts.total(RECIPIENTS, subject, now)
        bounces = await self._counts.total(BOUNCES, subject, now)
        complaints = await self._counts.total(COMPLAINTS, subject, now)
        why = judged(self._settings(), recipients, bounces, complaints)
        if why is not None:
            await self.suspend(account_id, why, BY_RATES, now)


def judged(settings: SuspensionSettings, recipients: int, bounces: int, complaints: int) -> str | None:
    """Why an account with these numbers of the last 24 hours is to be suspended; None: it is not."""
    if recipients < settings.minimum_recipients:
        return None
    for count, percent, what in (
        (bounces, settings.bounce_percent, "bounced"),
        (complaints, settings.complaint_percent, "complained of it as spam"),
    ):
        if percent and count * 100 > percent * recipients:
            return f"of {recipients} recipients in 24 hours {count} {what}, more than {percent:g} %"
    return None
