"""TLS reports (RFC 8460): what is counted, and the daily report to those who ask for it.

Standing rules: a day is reported once, when it is over, some random time into the next (§4.1); who publishes no record
gets nothing, and the counts go; a report that was taken, by one of its places, is never sent again; days too old to be
of use are dropped unsent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from random import Random
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.interfaces.mail_transport import Hop
from mailserverd.interfaces.resolver import LookupFailed, NoSuchDomain, Resolver, TlsaRecord
from mailserverd.model.outcome import Delivered
from mailserverd.queue.https import RequestFailed
from mailserverd.queue.parts import Notices
from mailserverd.queue.tls_counts import DAY_SECONDS, Day, Policy, TlsCounts
from mailserverd.wire.mta_sts.policy import StsPolicy
from mailserverd.wire.tls_report.record import Wanted, parse_record
from mailserverd.wire.tls_report.report import MEDIA_TYPE, Report, as_json, as_mail

SPREAD_SECONDS = 4 * 3600
AGAIN_SECONDS = 3600  # after one that could not be sent
MAX_AGE_SECONDS = 3 * DAY_SECONDS
AT_ONCE = 100

_log = Logger()


class Post(Protocol):
    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status. Raises RequestFailed."""
        ...


class TlsReports:
    """Satisfies routing.TlsResults. wanted: whether reports are made at all. held: the policy of MTA-STS in force."""

    def __init__(
        self,
        counts: TlsCounts,
        held: Callable[[str], StsPolicy | None],
        wanted: Callable[[], bool],
        seconds: Callable[[], float],
    ) -> None:
        self._counts = counts
        self._held = held
        self._wanted = wanted
        self._seconds = seconds

    def succeeded(self, destination: str, hop: Hop) -> None:
        policy = self._policy(destination, hop)
        held = self._held(destination) if hop.tls.policy == "sts" else None
        if policy is None:
            return
        if held is not None and not held.allows(hop.host):  # only while it is tested
            policy.failed("validation-failure", hop.source, hop.host, hop.address)
        else:
            policy.successes += 1

    def failed(self, destination: str, hop: Hop, reason: str) -> None:
        policy = self._policy(destination, hop)
        if policy is not None:
            policy.failed(reason, hop.source, hop.host, hop.address)

    def not_allowed(self, destination: str, host: str) -> None:
        """No session was made, for its policy of MTA-STS does not name this exchanger."""
        policy = self._sts(destination)
        if policy is not None:
            policy.failed("validation-failure", "", host, "")

    def sts_failed(self, domain: str, reason: str) -> None:
        """Its policy could not be fetched."""
        policy = self._sts(domain)
        if policy is not None:
            policy.failed(reason, "", "", "")

    def _policy(self, destination: str, hop: Hop) -> Policy | None:
        if hop.tls.policy == "sts":
            return self._sts(destination)
        if not self._wanted():
            return None
        if hop.tls.policy == "tlsa":
            lines = sorted(map(_tlsa_line, hop.tls.tlsa))
            return self._counts.policy(destination, self._seconds(), "tlsa", lines, [])
        return self._counts.policy(destination, self._seconds(), "no-policy-found", [], [])

    def _sts(self, domain: str) -> Policy | None:
        if not self._wanted():
            return None
        held = self._held(domain)
        text, mx = (held.text, held.patterns) if held is not None else ((), ())
        return self._counts.policy(domain, self._seconds(), "sts", text, mx)


def _tlsa_line(record: TlsaRecord) -> str:
    return f"{record.usage} {record.selector} {record.matching} {record.data.hex()}"


class ReportSender:
    """Sends what was counted. chance: gives the time of day."""

    def __init__(
        self,
        counts: TlsCounts,
        resolver: Resolver,
        notices: Notices,
        web: Post,
        submitter: str,
        contact: Callable[[], str],
        clock: IReactorTime,
        seconds: Callable[[], float],
        chance: Random,
    ) -> None:
        self._counts = counts
        self._resolver = resolver
        self._notices = notices
        self._web = web
        self._submitter = submitter
        self._contact = contact
        self._clock = clock
        self._seconds = seconds
        self._chance = chance
        self._call: IDelayedCall | None = None
        self._stopped = True

    def start(self) -> None:
        """What is left of earlier days goes within SPREAD_SECONDS."""
        self._stopped = False
        self._call = self._clock.callLater(self._chance.uniform(60, SPREAD_SECONDS), self._due)

    async def stop(self) -> None:
        self._stopped = True
        if self._call is not None and self._call.active():
            self._call.cancel()
        await self._counts.flush()

    def _due(self) -> None:
        Deferred.fromCoroutine(self._run())

    async def _run(self) -> None:
        try:
            done = await self.send()
        except Exception:
            _log.failure("TLS reports were not sent")
            done = False
        if not self._stopped:
            self._call = self._clock.callLater(self._next() if done else AGAIN_SECONDS, self._due)

    def _next(self) -> float:
        """Into tomorrow (UTC)."""
        return DAY_SECONDS - self._seconds() % DAY_SECONDS + self._chance.uniform(60, SPREAD_SECONDS)

    async def send(self) -> bool:
        """Report all days that are over; whether nothing is left of them."""
        await self._counts.flush()
        whole, done = True, list[Day]()
        for each in self._counts.finished(self._seconds()):
            if self._stopped:
                break
            if await self._one(each):
                done.append(each)
            else:
                whole = False
            if len(done) >= AT_ONCE:
                await self._removed(done)
                done = []
        await self._removed(done)
        return whole

    async def _removed(self, days: list[Day]) -> None:
        if days:
            await self._counts.remove(days)

    async def _one(self, day: Day) -> bool:
        """Whether nothing remains to be done."""
        if self._seconds() - day.start > MAX_AGE_SECONDS or not day.policies:
            return True
        try:
            wanted = parse_record((await self._resolver.texts(f"_smtp._tls.{day.domain}"))[0])
        except NoSuchDomain:
            return True
        except LookupFailed:
            return False
        return wanted is None or await self._sent(day, wanted)

    async def _sent(self, day: Day, wanted: Wanted) -> bool:
        results = [each.result() for each in day.policies]
        report = Report(day.domain, self._submitter, self._contact(), day.start, results)
        content = as_json(report)
        taken = [await self._mailed(report, address, content) for address in wanted.addresses]
        taken += [await self._posted(report, url, content) for url in wanted.urls]
        _log.info("TLS report", domain=day.domain, report=report.id, places=len(taken), taken=sum(taken))
        return any(taken)

    async def _mailed(self, report: Report, address: str, content: bytes) -> bool:
        message = as_mail(report, address, int(self._seconds()), content)
        key = "tlsrpt-" + sha256(f"{report.id} {address}".encode()).hexdigest()[:40]
        return isinstance(await self._notices.notify(address, message, key), Delivered)

    async def _posted(self, report: Report, url: str, content: bytes) -> bool:
        """RFC 8460 §5.4."""
        try:
            status = await self._web.post(url, content, {"Content-Type": MEDIA_TYPE})
        except RequestFailed as error:
            _log.info("a TLS report was not posted", report=report.id, url=url, why=str(error))
            return False
        return 200 <= status < 300
