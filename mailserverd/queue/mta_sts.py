"""MTA-STS (RFC 8461): the policy that holds for a domain, from its record, its policy host, or what was kept.

Standing rules: a policy in force is never lost by a failing lookup or fetch (§3.3, §10.2); a fetch is by HTTPS with the
host's own certificate, one a domain at a time, bounded in time and size, and after one that failed the same id is left
alone for a while; whoever waits for mail waits only for a fetch that no policy stands in for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.interfaces.resolver import LookupFailed, NoSuchDomain, Resolver
from mailserverd.queue.https import HttpAnswer, RequestFailed
from mailserverd.queue.sts_store import Held, StsStore
from mailserverd.wire.mta_sts.policy import MAX_POLICY_OCTETS, BadPolicy, StsPolicy, parse_policy, parse_record

FETCH_SECONDS = 30.0
AFTER_FAILURE_SECONDS = 300  # RFC 8461 §3.3
REFRESH_SECONDS = 86400
ROUND_SECONDS = 600
MAX_FAILURES = 5000

_log = Logger()


class Fetch(Protocol):
    async def get(self, url: str, max_octets: int, seconds: float) -> HttpAnswer:
        """Raises RequestFailed."""
        ...


class NotFetched(Exception):
    """reason: as in TLS reports (RFC 8460 §4.3.2.2)."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class MtaSts:
    """Satisfies tls_policy.StsPolicies. port: of policy hosts. failed(domain, reason): told of each failing fetch."""

    def __init__(
        self,
        resolver: Resolver,
        fetch: Fetch,
        store: StsStore,
        port: Callable[[], int],
        clock: IReactorTime,
        seconds: Callable[[], float],
        failed: Callable[[str, str], None],
    ) -> None:
        self._resolver = resolver
        self._fetch = fetch
        self._store = store
        self._port = port
        self._clock = clock
        self._seconds = seconds
        self._failed = failed
        self._fetching: dict[str, list[Deferred[None]]] = {}
        self._left_alone: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._call: IDelayedCall | None = None

    async def policy(self, domain: str) -> StsPolicy | None:
        held = self._store.get(domain, self._seconds())
        found = await self._record(domain)
        if found is None or self._is_left_alone(domain, found):
            return held.policy if held is not None else None
        if held is not None and held.id == found:
            if self._seconds() - held.fetched > min(REFRESH_SECONDS, held.policy.max_age / 2):
                Deferred.fromCoroutine(self._fetched(domain, found))  # RFC 8461 §3.3: while the old one still holds
            return held.policy
        await self._fetched(domain, found)
        return self.held(domain)

    def held(self, domain: str) -> StsPolicy | None:
        """What is in force, without asking anybody."""
        held = self._store.get(domain, self._seconds())
        return held.policy if held is not None else None

    async def _record(self, domain: str) -> str | None:
        try:
            return parse_record((await self._resolver.texts(f"_mta-sts.{domain}"))[0])
        except (NoSuchDomain, LookupFailed):
            return None

    def _is_left_alone(self, domain: str, found: str) -> bool:
        return self._left_alone.get((domain, found), 0) > self._seconds()

    async def _fetched(self, domain: str, found: str) -> None:
        """Fetch, or wait for who does. Raises nothing."""
        if domain in self._fetching:
            waiting: Deferred[None] = Deferred()
            self._fetching[domain].append(waiting)
        else:
            self._fetching[domain] = [waiting := Deferred()]
            Deferred.fromCoroutine(self._one(domain, found)).addBoth(self._done, domain)
        await waiting

    def _done(self, _: Any, domain: str) -> None:
        for each in self._fetching.pop(domain):
            if not each.called:  # one that was cancelled is
                each.callback(None)

    async def _one(self, domain: str, found: str) -> None:
        try:
            policy, text = await self._get(domain)
        except NotFetched as error:
            self._left_alone[domain, found] = self._seconds() + AFTER_FAILURE_SECONDS
            while len(self._left_alone) > MAX_FAILURES:
                self._left_alone.popitem(last=False)
            self._failed(domain, error.reason)
            _log.info("no policy of MTA-STS", domain=domain, why=str(error))
            return
        except Exception:
            _log.failure("the policy of {domain} was not fetched", domain=domain)
            return
        self._left_alone.pop((domain, found), None)
        await self._store.put(domain, Held(policy, found, int(self._seconds())), text)

    async def _get(self, domain: str) -> tuple[StsPolicy, bytes]:
        """RFC 8461 §3.3: 200 alone will do, no redirect is followed; the type is text/plain."""
        port = self._port()
        host = f"mta-sts.{domain}" + (f":{port}" if port != 443 else "")
        try:
            answer = await self._fetch.get(f"https://{host}/.well-known/mta-sts.txt", MAX_POLICY_OCTETS, FETCH_SECONDS)
        except RequestFailed as error:
            raise NotFetched(
                "sts-webpki-invalid" if error.certificate else "sts-policy-fetch-error", str(error)
            ) from None
        if answer.status != 200:
            raise NotFetched("sts-policy-fetch-error", f"its host answers {answer.status}")
        if answer.content_type.partition(";")[0].strip().lower() != "text/plain":
            raise NotFetched("sts-policy-invalid", f"its type is {answer.content_type[:100]!r}")
        try:
            return parse_policy(answer.body), answer.body
        except BadPolicy as error:
            raise NotFetched("sts-policy-invalid", str(error)) from None

    # What is kept is fetched again before it expires, whether there is mail or not (RFC 8461 §3.3, §10.2).

    def start(self) -> None:
        self._call = self._clock.callLater(ROUND_SECONDS, self._next_round)

    def stop(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _next_round(self) -> None:
        self.start()
        Deferred.fromCoroutine(self.refresh()).addErrback(
            lambda failure: _log.failure("policies of MTA-STS were not refreshed", failure)
        )

    async def refresh(self) -> None:
        """One page of what is kept, one domain after the other."""
        now = self._seconds()
        for domain, held in await self._store.next_page(now):
            soon = ROUND_SECONDS * self._store.rounds() * 2
            if now - held.fetched < REFRESH_SECONDS and held.expires - now > soon:
                continue
            found = await self._record(domain)
            if found is not None and not self._is_left_alone(domain, found):
                await self._fetched(domain, found)
