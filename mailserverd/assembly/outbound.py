"""The engine that empties the queue, connected to everything it asks; and the way of mail into the queue.

Standing rules: constructed whole before anything starts; `Departure` is made before the doors, which are given it, the
engine behind them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from random import random
from time import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool

from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.lifecycle import Part, Step
from mailserverd.assembly.mail_flow import MailFlow
from mailserverd.assembly.reloading import Reloading
from mailserverd.assembly.reputation import Reputation, reputation
from mailserverd.assembly.signing import SigningPart
from mailserverd.assembly.watch import Watch
from mailserverd.assembly.where import Where, where
from mailserverd.config.outbound import Outbound
from mailserverd.delivery.local_hop import LocalRouting, WithLocal
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.personal_forms import PersonalForms
from mailserverd.queue.report_telling import ReportTelling
from mailserverd.queue.reputation_upkeep import Upkeep
from mailserverd.queue.scheduler import Scheduler
from mailserverd.queue.service import Machinery, scheduler
from mailserverd.queue.submit import Submit
from mailserverd.queue.telling import Telling
from mailserverd.queue.webhooks import Webhooks
from mailserverd.smtp.sending.tls import ClientTls
from mailserverd.smtp.sending.transport import SmtpTransport
from mailserverd.telemetry.metrics import Metrics

COUNT_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Departure:
    """What the doors are given: submit takes mail, reputation.feedback reads reports. engine: filled by Sending."""

    reputation: Reputation
    submit: Submit
    engine: list[Scheduler] = field(default_factory=list)


async def departure(backends: Backends, reloading: Reloading) -> Departure:
    known = await reputation(backends, reloading)
    engine: list[Scheduler] = []

    def wake() -> None:
        for each in engine:
            each.wake()

    submit = Submit(backends.queue, known.rules, lambda: reloading.config.outbound, time, wake)
    return Departure(known, submit, engine)


class Sending:
    """scheduler: the engine. signing: who signs. parts: to be started after what only reads, and before the doors."""

    def __init__(
        self, backends: Backends, flow: MailFlow, leaving: Departure, reloading: Reloading, seen: Watch, reactor: Any
    ) -> None:
        def settings() -> Outbound:
            return reloading.config.outbound

        known = leaving.reputation
        self._flow = flow
        self.where: Where = where(backends.records, reloading, seen.metrics, reactor)
        self.signing = SigningPart(backends.directory, reloading, self.where.resolver, reactor)
        self._webhooks = Webhooks(backends.records, self.where.web.post, lambda: settings().webhooks, reactor, time)
        known.later.notices = flow.notices
        known.later.tell = ReportTelling(seen.metrics, seen.trace, self._webhooks)
        told = Telling(seen.metrics, seen.trace, self._webhooks, known_phrases(), known.limits.named, [known.notes])
        hostname = reloading.config.server.hostname
        transport = SmtpTransport(
            reactor,
            lambda: settings().timeouts,
            ClientTls(settings().ca_file),
            os.urandom,
            partial(_in_thread, reactor),
        )
        self.scheduler: Scheduler = scheduler(
            Machinery(
                store=backends.queue,
                transport=WithLocal(transport, flow.router, flow.ingest, time),
                routing=LocalRouting(self.where.routing, backends.directory.is_local, hostname),
                notices=flow.notices,
                hostname=lambda: hostname,
                settings=settings,
                clock=reactor,
                seconds=time,
                random=random,
                limits=known.limits,
                sources=known.sources,
                screening=known.rules,
                preparation=PersonalForms(known.paths, known.unsubscribe, self.signing.preparation),
                told=told,
            )
        )
        leaving.engine.append(self.scheduler)
        self._sources = known.sources
        stores = backends.reputation, backends.sending_counts, backends.sent_messages
        self._upkeep = Upkeep(
            known.suspensions, known.sources, known.limits, stores, settings, seen.metrics, reactor, time
        )
        self._counting = Counting(backends.queue, seen.metrics, reactor)

    def parts(self) -> list[Part]:
        return [
            Step("webhooks", self._webhooks.start, self._webhooks.stop),
            *self.where.parts(self._flow.notices),
            Step("address pools", self._sources.start, self._sources.stop),
            Step("the upkeep of reputation", self._upkeep.start, self._upkeep.stop),
            self.signing,
            Step("the outbound queue", self.scheduler.start, self.scheduler.stop),
            Step("the count of the queue", self._counting.start, self._counting.stop),
        ]


class Counting:
    """The length of the queue among the metrics."""

    def __init__(self, store: QueueStore, metrics: Metrics, clock: Any) -> None:
        self._store = store
        self._metrics = metrics
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self.count()))
        self._loop.clock = clock

    def start(self) -> None:
        self._loop.start(COUNT_EVERY_SECONDS)

    def stop(self) -> None:
        self._loop.stop()

    async def count(self) -> None:
        recipients, oldest = self._metrics.outbound_recipients, self._metrics.outbound_oldest
        for family in (recipients, oldest):
            for gauge in family.values():
                gauge.value = 0
        now = int(time())
        for each in await self._store.counts():
            recipients[each.state, each.mail_class].value = each.recipients
            oldest[each.state, each.mail_class].value = max(0, now - each.oldest)


def _in_thread(reactor: Any, function: Any, *arguments: Any) -> Any:
    return deferToThreadPool(reactor, reactor.getThreadPool(), function, *arguments)
