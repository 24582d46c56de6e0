"""Addresses that nothing is sent to: how they come on the list, how they leave it, and what it says of a recipient.

Standing rules: a hard bounce is about the address and counts for everybody; a complaint is about what one account
sends, an unsubscription about one class of it; an override (allowed) stands above every report until it expires or is
removed; an address of ours is never suppressed by what is said of it elsewhere.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from twisted.logger import Logger

from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.model.address import canonical_address
from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import EVERYBODY, Reason, Suppression, account_scope
from mailserverd.queue.classification import Kind

DAY = 86_400
MAX_DETAIL = 300
_SAID = {
    Reason.HARD_BOUNCE: "mail to this address bounced",
    Reason.SOFT_BOUNCES: "mail to this address could not be delivered several times",
    Reason.COMPLAINT: "its owner complained of your mail as spam",
    Reason.UNSUBSCRIBED: "its owner unsubscribed from this mail",
    Reason.BY_HAND: "the administrator put it on the suppression list",
}
_log = Logger()


@dataclass(frozen=True, slots=True)
class SuppressionSettings:
    """after_soft: messages that expired in a row. days: of a bounce; 0: for ever."""

    after_soft: int
    days: int


class SuppressionList:
    """is_local: whether a domain is ours."""

    def __init__(
        self,
        store: ReputationStore,
        settings: Callable[[], SuppressionSettings],
        is_local: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._settings = settings
        self._is_local = is_local

    async def of(
        self, address: str, account_id: AccountId | None, mail_classes: Iterable[str], now: int
    ) -> Suppression | None:
        """Why mail of this account and class to the address is not sent; None when it is. Raises StoreError."""
        scopes = [EVERYBODY]
        if account_id is not None:
            scopes.append(account_scope(account_id))
            scopes += [account_scope(account_id, each) for each in mail_classes if each]
        found = [each for each in await self._store.suppression(canonical_address(address), scopes) if each.holds(now)]
        if any(each.allowed for each in found):
            return None
        return found[0] if found else None

    async def bounced(self, address: str, kind: Kind, detail: str, now: int) -> Suppression | None:
        """A message to the address failed for good, with a reply or a report that was classified."""
        if kind is Kind.HARD:
            return await self._add(address, Reason.HARD_BOUNCE, EVERYBODY, detail, now, self._until(now))
        return None

    async def expired(self, address: str, detail: str, now: int) -> Suppression | None:
        """A message to the address was given up after all its time."""
        canonical = canonical_address(address)
        if await self._store.note_soft(canonical, now) < self._settings().after_soft:
            return None
        await self._store.forget_soft(canonical)
        return await self._add(address, Reason.SOFT_BOUNCES, EVERYBODY, detail, now, self._until(now))

    async def delivered(self, address: str) -> None:
        await self._store.forget_soft(canonical_address(address))

    async def complained(self, address: str, account_id: AccountId | None, detail: str, now: int) -> Suppression | None:
        """For good: nobody takes a complaint back."""
        return await self._add(address, Reason.COMPLAINT, account_scope(account_id), detail, now, 0)

    async def unsubscribed(
        self, address: str, account_id: AccountId | None, mail_class: str, now: int
    ) -> Suppression | None:
        return await self._add(address, Reason.UNSUBSCRIBED, account_scope(account_id, mail_class), "", now, 0)

    async def put(self, suppression: Suppression) -> None:
        """By hand: replaces what stands there, an override too."""
        address = canonical_address(suppression.address)
        await self._store.put_suppression(
            Suppression(
                address,
                suppression.reason,
                suppression.since,
                suppression.expires,
                suppression.scope,
                suppression.detail[:MAX_DETAIL],
                suppression.allowed,
            )
        )

    async def remove(self, address: str, scope: str | None = None) -> int:
        """How many there were."""
        return await self._store.remove_suppression(canonical_address(address), scope)

    async def page(self, after: str, limit: int, address: str = "") -> tuple[list[Suppression], str]:
        return await self._store.suppressions(after, limit, canonical_address(address))

    def _until(self, now: int) -> int:
        days = self._settings().days
        return now + days * DAY if days else 0

    async def _add(
        self, address: str, reason: Reason, scope: str, detail: str, now: int, expires: int
    ) -> Suppression | None:
        canonical = canonical_address(address)
        if self._is_local(canonical.rpartition("@")[2]):
            return None
        for standing in await self._store.suppression(canonical, [scope]):
            if standing.holds(now) and (standing.allowed or not standing.expires):
                return None  # an override, or for ever
        line = " ".join(detail.split())[:MAX_DETAIL]
        made = Suppression(canonical, reason, now, expires, scope, line)
        await self._store.put_suppression(made)
        _log.info("address suppressed: {reason}", reason=reason.value, to=canonical, scope=scope, why=line)
        return made


def said(suppression: Suppression) -> str:
    """One line for the sender."""
    return f"suppressed: {_SAID[suppression.reason]}"
