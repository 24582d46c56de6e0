"""Reputation: what submission, delivery and the engine are given of it.

Standing rule: made before the doors, since they are given it; what is made after them (the way of notices, webhooks) is
filled in then, and until then nobody is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from typing import Any

from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.reloading import Reloading
from mailserverd.config.outbound import Outbound
from mailserverd.config.schema import Config
from mailserverd.model.errors import NotFound
from mailserverd.model.outcome import Delivered
from mailserverd.model.reputation import Suspension
from mailserverd.queue.attempt_notes import AttemptNotes
from mailserverd.queue.caps import Caps, CapSettings
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.feedback import Feedback
from mailserverd.queue.matching import Matching
from mailserverd.queue.parts import Notices
from mailserverd.queue.pools import Pools
from mailserverd.queue.provider_limits import Bounds, ProviderLimits
from mailserverd.queue.providers import known_providers
from mailserverd.queue.sending_rules import AccountRules
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import Suspensions, SuspensionSettings
from mailserverd.queue.suspension_notice import suspension_notice
from mailserverd.queue.unsubscribe import Unsubscribe
from mailserverd.queue.verp import ReturnPaths
from mailserverd.queue.warm_up import WarmUps

Tell = Callable[[str, dict[str, Any]], Awaitable[None]]


class Later:
    """What is known only once the doors are made: whom events are told, and the way of notices."""

    def __init__(self) -> None:
        self.tell: Tell | None = None
        self.notices: Notices | None = None

    async def told(self, what: str, facts: dict[str, Any]) -> None:
        if self.tell is not None:
            await self.tell(what, facts)


@dataclass(frozen=True, slots=True)
class Reputation:
    """rules: of submission, and the engine's screening; limits, sources, notes: the engine's; feedback: delivery's."""

    rules: AccountRules
    feedback: Feedback
    suppression: SuppressionList
    suspensions: Suspensions
    limits: ProviderLimits
    sources: Pools
    notes: AttemptNotes
    paths: ReturnPaths
    unsubscribe: Unsubscribe
    later: Later


async def reputation(backends: Backends, reloading: Reloading) -> Reputation:
    def settings() -> Outbound:
        return reloading.config.outbound

    directory, store, classifier, later = backends.directory, backends.reputation, known_phrases(), Later()
    suppression = SuppressionList(store, lambda: _suppression(settings()), directory.is_local)
    teller = SuspensionTeller(backends, reloading, later)
    suspensions = Suspensions(store, backends.sending_counts, lambda: _suspension(settings()), teller.tell)
    caps = Caps(backends.sending_counts, lambda: _caps(settings()))
    paths = ReturnPaths(await directory.server_secret("verp"), settings, directory.is_local)
    unsubscribe = Unsubscribe(
        await directory.server_secret("unsubscribe"),
        settings,
        directory.is_local,
        lambda: one_click_url(reloading.config),
    )
    matching = Matching(backends.sent_messages, paths.place)
    sources = Pools(store, settings, WarmUps(store))

    def bounds() -> Bounds:
        return Bounds(settings().max_connections_per_provider, settings().max_connections)

    return Reputation(
        rules=AccountRules(suspensions, suppression, caps, backends.sent_messages),
        feedback=Feedback(matching, unsubscribe, suppression, suspensions, classifier, later.told),
        suppression=suppression,
        suspensions=suspensions,
        limits=ProviderLimits(known_providers(), classifier, bounds, time, sources.blocked),
        sources=sources,
        notes=AttemptNotes(suppression, suspensions, classifier, time),
        paths=paths,
        unsubscribe=unsubscribe,
        later=later,
    )


def one_click_url(config: Config) -> str:
    """What links begin with; "" where nobody would answer."""
    one_click = config.unsubscribe
    if not one_click.enabled or not one_click.addresses:
        return ""
    return one_click.url or f"https://{config.server.hostname}:{one_click.addresses[0].port}/unsubscribe/"


class SuspensionTeller:
    """Makes the owner and the administrator know of a suspension."""

    def __init__(self, backends: Backends, reloading: Reloading, later: Later) -> None:
        self._directory = backends.directory
        self._reloading = reloading
        self._later = later

    async def tell(self, made: Suspension) -> bool:
        """True once both have it durably, or there is nobody to tell."""
        notices = self._later.notices
        if notices is None:
            return False
        try:
            account = await self._directory.account_by_id(made.account_id)
        except NotFound:
            return True
        server = self._reloading.config.server
        for number, to in enumerate((account.address, server.postmaster or f"postmaster@{server.hostname}")):
            unique = f"{made.account_id:x}.{made.since}.{number}"
            notice = suspension_notice(server.hostname, account.address, to, made.why, made.since, unique)
            if not isinstance(await notices.notify(to, notice, f"suspended/{unique}"), Delivered):
                return False
        return True


def _suppression(outbound: Outbound) -> SuppressionSettings:
    return SuppressionSettings(outbound.suppress_after_soft_bounces, outbound.suppress_days)


def _suspension(outbound: Outbound) -> SuspensionSettings:
    return SuspensionSettings(
        outbound.minimum_recipients, outbound.suspend_bounce_percent, outbound.suspend_complaint_percent
    )


def _caps(outbound: Outbound) -> CapSettings:
    return CapSettings(
        outbound.account_messages_per_hour,
        outbound.account_new_recipients_per_day,
        outbound.domain_messages_per_hour,
    )
