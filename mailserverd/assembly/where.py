"""Where mail goes and by which TLS: the resolver, routing, policies of MTA-STS and TLS reports, made and connected.

Standing rules: every lookup and every request of the web that the server makes goes through what is made here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from random import SystemRandom
from time import time
from typing import Any

from twisted.logger import Logger

from mailserverd.assembly.dane_state import dane_state
from mailserverd.assembly.in_thread import in_thread
from mailserverd.assembly.lifecycle import Step
from mailserverd.assembly.reloading import Reloading
from mailserverd.backends.dns.resolver import DnsResolver
from mailserverd.backends.lmdb.record_access import LmdbRecords
from mailserverd.config.outbound import Outbound
from mailserverd.config.schema import Config
from mailserverd.queue.https import HttpClient
from mailserverd.queue.https_trust import Authorities
from mailserverd.queue.mta_sts import MtaSts
from mailserverd.queue.ourselves import Ourselves
from mailserverd.queue.parts import Notices
from mailserverd.queue.routing import DnsRouting
from mailserverd.queue.sts_store import StsStore
from mailserverd.queue.tls_counts import TlsCounts
from mailserverd.queue.tls_reports import ReportSender, TlsReports
from mailserverd.telemetry.metrics import Metrics

log = Logger()


@dataclass(frozen=True, slots=True)
class Where:
    resolver: DnsResolver
    web: HttpClient
    routing: DnsRouting
    sts: MtaSts
    counts: TlsCounts
    reloading: Reloading
    reactor: Any

    def parts(self, notices: Notices) -> list[Step]:
        """To be started before the queue, and stopped behind it. notices: the way of reports."""
        sender = ReportSender(
            self.counts,
            self.resolver,
            notices,
            self.web,
            self.reloading.config.server.hostname,
            lambda: _contact(self.reloading.config),
            self.reactor,
            time,
            SystemRandom(),
        )
        return [
            Step("policies of MTA-STS", self._start_policies, self.sts.stop),
            Step("TLS reports", sender.start, sender.stop),
        ]

    def _start_policies(self) -> None:
        self.sts.start()
        state = dane_state(self.reloading.config)
        log.info("DANE is {state}", state=state)


def where(records: LmdbRecords, reloading: Reloading, metrics: Metrics, reactor: Any) -> Where:
    def outbound() -> Outbound:
        return reloading.config.outbound

    def failed(domain: str, reason: str) -> None:
        reports.sts_failed(domain, reason)

    elsewhere, chance = in_thread(reactor), SystemRandom()
    resolver = DnsResolver(reloading.config.dns, reactor, elsewhere, os.urandom)
    reloading.tell(lambda new: resolver.reload(new.dns))
    _watch(resolver, metrics)
    web = HttpClient(reactor, resolver, Authorities(lambda: outbound().ca_file, elsewhere), chance)
    counts, store = TlsCounts(records, reactor), StsStore(records)
    sts = MtaSts(resolver, web, store, lambda: outbound().sts_port, reactor, time, failed)
    reports = TlsReports(counts, sts.held, lambda: outbound().tls_reports, time)
    hostname = reloading.config.server.hostname
    ourselves = Ourselves(hostname, lambda: listening(reloading.config))
    routing = DnsRouting(resolver, sts, reports, outbound, hostname, ourselves, chance, time)
    return Where(resolver, web, routing, sts, counts, reloading, reactor)


def _watch(resolver: DnsResolver, metrics: Metrics) -> None:
    metrics.read("dns_questions", "Questions to nameservers since the start", lambda: float(resolver.asked))
    metrics.read("dns_failures", "Those of them that no nameserver answered", lambda: float(resolver.failed))
    metrics.read("dns_remembered", "Answers that are remembered", lambda: float(resolver.remembered))


def listening(config: Config) -> Iterator[tuple[str, int]]:
    """Every address and port that this server has."""
    for name in Config.LISTENERS:
        section = getattr(config, name)
        if section.enabled:
            yield from ((each.host, each.port) for each in section.addresses)


def _contact(config: Config) -> str:
    return config.server.postmaster or f"postmaster@{config.server.hostname}"
