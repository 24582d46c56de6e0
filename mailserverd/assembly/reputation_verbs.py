"""The verbs on reputation: accounts suspended from sending, addresses that nothing is sent to.

Standing rules: those of the other verbs (accounts/administration); a page at a time. Who is suspended while the server
is down is told by the next start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import time
from typing import Any

from mailserverd.accounts.administration import Answer, VerbRefused, checked_address
from mailserverd.assembly.admin_verbs import AdminVerbs
from mailserverd.assembly.embedded import Backends
from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.directory import Directory
from mailserverd.interfaces.sending_counts import SendingCounts
from mailserverd.model.address import canonical_address
from mailserverd.model.errors import NotFound
from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import EVERYBODY, Reason, Suppression, Suspension, account_scope
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import Suspensions, SuspensionSettings

PAGE = 500
DAY = 86_400
Inner = Callable[..., Awaitable[object]]


def offline_reputation(backends: Backends, outbound: Outbound) -> tuple[Suspensions, SuppressionList]:
    """While no server runs: nobody is told now."""
    suppression = SuppressionSettings(outbound.suppress_after_soft_bounces, outbound.suppress_days)
    suspension = SuspensionSettings(
        outbound.minimum_recipients, outbound.suspend_bounce_percent, outbound.suspend_complaint_percent
    )
    return (
        Suspensions(backends.reputation, backends.sending_counts, lambda: suspension, _told_later),
        SuppressionList(backends.reputation, lambda: suppression, backends.directory.is_local),
    )


async def _told_later(suspension: Suspension) -> bool:
    return False


def reputation_verbs(
    verbs: AdminVerbs, backends: Backends, suspensions: Suspensions, suppression: SuppressionList
) -> None:
    """Added to those on accounts."""
    group = ReputationVerbs(
        backends.directory,
        suspensions,
        suppression,
        backends.sending_counts,
        verbs.registered("account show"),
        verbs.registered("account remove"),
        time,
    )
    register_reputation(verbs, group)


def register_reputation(verbs: AdminVerbs, group: ReputationVerbs) -> None:
    verbs.register("account show", group.account_show)
    verbs.register("account remove", group.account_remove)
    verbs.register("account suspend", group.account_suspend)
    verbs.register("account resume", group.account_resume)
    verbs.register("suppression list", group.suppression_list)
    verbs.register("suppression add", group.suppression_add)
    verbs.register("suppression remove", group.suppression_remove)


class ReputationVerbs:
    """show_account, remove_account: the verbs that these add to. seconds: the wall clock."""

    def __init__(
        self,
        directory: Directory,
        suspensions: Suspensions,
        suppression: SuppressionList,
        counts: SendingCounts,
        show_account: Inner,
        remove_account: Inner,
        seconds: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._suspensions = suspensions
        self._suppression = suppression
        self._counts = counts
        self._show_account = show_account
        self._remove_account = remove_account
        self._seconds = seconds

    async def account_show(self, address: str) -> Answer:
        """With whether it may send."""
        shown = await self._show_account(address)
        assert isinstance(shown, dict)
        found = await self._suspensions.of(AccountId(shown["id"]))
        suspended = None if found is None else {"since": found.since, "why": found.why, "by": found.by}
        return {**shown, "suspended": suspended}

    async def account_remove(self, address: str) -> object:
        """With what is known of its sending; what was said of its mail stays on the suppression list."""
        account = await self._directory.account(canonical_address(address))
        removed = await self._remove_account(address)
        await self._suspensions.resume(account.account_id)
        await self._counts.forget(account.account_id)
        return removed

    async def account_suspend(self, address: str, why: str = "") -> Answer:
        account = await self._directory.account(canonical_address(address))
        reason = " ".join(why.split())[:300] or "the administrator suspended it"
        made = await self._suspensions.suspend(account.account_id, reason, "administrator", int(self._seconds()))
        return {"address": account.address, "since": made.since, "why": made.why}

    async def account_resume(self, address: str) -> Answer:
        account = await self._directory.account(canonical_address(address))
        return {"address": account.address, "resumed": await self._suspensions.resume(account.account_id)}

    async def suppression_list(self, address: str = "", after: str = "", limit: int = PAGE) -> Answer:
        """By address; `after` of the answer is "" at the end."""
        try:
            page, more = await self._suppression.page(after, max(1, min(limit, PAGE)), address)
        except ValueError:
            raise VerbRefused("--after takes the cursor that the page before ended with") from None
        return {"rows": [await self._shown(each) for each in page], "after": more}

    async def suppression_add(
        self,
        address: str,
        days: int = 0,
        why: str = "",
        account: str = "",
        mail_class: str = "",
        allow: bool = False,
    ) -> Answer:
        """days: 0 for ever. account, mail_class: only for its mail, only for this class of it. allow: an override:
        mail goes there whatever is reported."""
        if not 0 <= days < 36_525:
            raise VerbRefused(f"write a number of days, not {days}")
        if mail_class and not account:
            raise VerbRefused("a class is one account's: name the account too")
        scope = EVERYBODY
        if account:
            found = await self._directory.account(canonical_address(account))
            scope = account_scope(found.account_id, mail_class)
        now = int(self._seconds())
        made = Suppression(
            checked_address(address), Reason.BY_HAND, now, now + days * DAY if days else 0, scope, why, allow
        )
        await self._suppression.put(made)
        return await self._shown(made)

    async def suppression_remove(self, address: str) -> Answer:
        """In every scope."""
        gone = await self._suppression.remove(address)
        if not gone:
            raise NotFound(f"{address} is not on the suppression list")
        return {"address": canonical_address(address), "removed": gone}

    async def _shown(self, each: Suppression) -> dict[str, Any]:
        number, _, mail_class = each.scope.partition("/")
        account: str | None = None
        if number:
            try:
                account = (await self._directory.account_by_id(AccountId(int(number)))).address
            except NotFound:
                account = f"account {number}, which is gone"
        return {
            "address": each.address,
            "reason": each.reason.value,
            "since": each.since,
            "expires": each.expires or None,
            "account": account,
            "class": mail_class,
            "allowed": each.allowed,
            "detail": each.detail,
        }
