"""From a destination to the addresses to try, each with its TLS rule.

Standing rules: a route of the configuration before the DNS; never an empty answer; at most MAX_HOPS; a definite no of
the DNS is Refused, anything that may pass is TryLater; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from mailserverd.config.outbound import Outbound, Route
from mailserverd.interfaces.mail_transport import Hop, HopFailed, Peer, TlsRule
from mailserverd.interfaces.resolver import MailExchanger, Resolver
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.address_order import is_six, literal
from mailserverd.queue.broken_tls import BrokenTls
from mailserverd.queue.exchangers import Exchanger, Exchangers, exchangers, loop, with_addresses
from mailserverd.queue.ourselves import Ourselves
from mailserverd.queue.static_routes import (
    CredentialsFiles,
    CredentialsProblem,
    StaticRoutes,
    Target,
    ascii_name,
    target,
)
from mailserverd.queue.tls_policy import Asked, StsPolicies, rule
from mailserverd.wire.mta_sts.policy import Mode

MAX_HOPS = 20

_log = Logger()


class TlsResults(Protocol):
    """Counts for TLS reports. not_allowed: the domain's policy of MTA-STS does not name this exchanger."""

    def succeeded(self, destination: str, hop: Hop) -> None: ...

    def failed(self, destination: str, hop: Hop, reason: str) -> None: ...

    def not_allowed(self, destination: str, host: str) -> None: ...


class DnsRouting:
    """Satisfies parts.Routing. ourselves and hostname: who this server is; chance: orders equals."""

    def __init__(
        self,
        resolver: Resolver,
        policies: StsPolicies,
        results: TlsResults,
        settings: Callable[[], Outbound],
        hostname: str,
        ourselves: Ourselves,
        chance: Random,
        seconds: Callable[[], float],
    ) -> None:
        self._resolver = resolver
        self._policies = policies
        self._results = results
        self._settings = settings
        self._hostname = hostname
        self._ourselves = ourselves
        self._chance = chance
        self._broken = BrokenTls(seconds)
        self._credentials = CredentialsFiles()
        self._routes_of: tuple[Route, ...] = ()
        self._routes = StaticRoutes(())

    async def hops(self, destination: str, require_tls: bool) -> Sequence[Hop] | Refused | TryLater:
        domain = destination.lower() if destination.startswith("[") else ascii_name(destination)
        route = self._route(domain)
        aim = target(route) if route is not None else None
        try:
            credentials = self._login(route, aim)
        except CredentialsProblem as problem:
            _log.error("mail waits for the credentials of its route", domain=domain, why=str(problem))
            return TryLater("4.3.5", "the credentials of the route cannot be read")
        port = aim.port if aim is not None else self._settings().remote_port
        found = await (self._by_route(aim) if aim is not None else self._by_dns(domain, port))
        if not isinstance(found, Exchangers):
            return found
        asked = await self._asked(domain, found.secure, aim, route, require_tls)
        rules = await self._rules(asked, [each.host for each in found.hosts], port)
        if asked.sts is not None and asked.sts.mode is Mode.ENFORCE:
            for each in found.hosts:
                if not asked.sts.allows(each.host):
                    self._results.not_allowed(domain, each.host)
        protocol = aim.protocol if aim is not None else "smtp"
        hops = [
            Hop(protocol, each.host, address, port, self._hostname, tls=made, credentials=credentials)
            for each, made in zip(found.hosts, rules, strict=True)
            if isinstance(made, TlsRule)
            for address in each.addresses
        ]
        return tuple(hops[:MAX_HOPS]) or _why_none(rules)

    async def _rules(self, asked: Asked, hosts: Sequence[str], port: int) -> Sequence[TlsRule | Refused | TryLater]:
        ruled = [rule(asked, host, port, self._resolver, self._broken) for host in hosts]
        if len(ruled) == 1:
            return [await ruled[0]]
        return await gatherResults([Deferred.fromCoroutine(each) for each in ruled])

    def connected(self, destination: str, hop: Hop, peer: Peer) -> None:
        if peer.tls:
            self._broken.worked(hop.host)
        if hop.tls.need == "none" or not self._is_by_dns(destination):
            return
        if not peer.tls:
            self._results.failed(destination, hop, "starttls-not-supported")
        elif hop.tls.names and not peer.verified:
            self._results.failed(destination, hop, "validation-failure")
        else:
            self._results.succeeded(destination, hop)

    def failed(self, destination: str, hop: Hop, error: HopFailed) -> None:
        if error.stage != "tls":
            return
        if hop.tls.need == "may":
            self._broken.broke(hop.host)
        if self._is_by_dns(destination):
            self._results.failed(destination, hop, error.tls_reason or "validation-failure")

    def forget(self) -> None:
        """A broken handshake is no rest: what is known of it lets mail through, so it stays."""

    def _is_by_dns(self, destination: str) -> bool:
        """Whether the peer's TLS is of interest to the domain (RFC 8460 is about its own exchangers)."""
        route = self._route(ascii_name(destination))
        return not destination.startswith("[") and (route is None or not route.target)

    def _route(self, domain: str) -> Route | None:
        wanted = self._settings().routes
        if wanted is not self._routes_of:
            self._routes_of, self._routes = wanted, StaticRoutes(wanted)
        return self._routes.find(domain)

    async def _by_route(self, aim: Target) -> Exchangers | Refused | TryLater:
        """A host by its addresses alone (RFC 5321 §5.1 looks up domains, and this is a host)."""
        if is_six(aim.host) is not None:
            return Exchangers((Exchanger(aim.host, 0, (aim.host,)),), False)
        found = await with_addresses([MailExchanger(0, aim.host)], self._resolver, self._chance)
        if found.hosts:
            return Exchangers(found.hosts, False)
        why = found.failed or "it has no address"
        return TryLater("4.4.3", f"the host of the route, {aim.host}, is not found: {why}")

    async def _by_dns(self, domain: str, port: int) -> Exchangers | Refused | TryLater:
        if not domain.startswith("["):
            return await exchangers(domain, port, self._resolver, self._ourselves, self._chance)
        address = literal(domain)
        if address is None:
            return Refused("5.1.2", f"{domain} is no address literal")
        if self._ourselves.listens(address, port):
            return loop(domain)
        return Exchangers((Exchanger(domain, 0, (address,)),), False)

    async def _asked(
        self, domain: str, secure: bool, aim: Target | None, route: Route | None, require_tls: bool
    ) -> Asked:
        settings = self._settings()
        by_dns = aim is None and not domain.startswith("[")
        lmtp = aim is not None and aim.protocol == "lmtp"
        secret = route is not None and route.credentials_file is not None
        needs_tls = aim is not None and (aim.protocol == "smtps" or secret)
        asked = Asked(
            domain,
            secure,
            not by_dns,
            require_tls,
            dane=settings.dane and not lmtp,  # RFC 7672 is about SMTP
            route=route,
            at_least="encrypt" if needs_tls else "may",
        )
        if by_dns and settings.mta_sts and asked.minds_published:
            return replace(asked, sts=await self._policies.policy(domain))
        return asked

    def _login(self, route: Route | None, aim: Target | None) -> tuple[str, str] | None:
        if aim is None or route is None or route.credentials_file is None:
            return None
        return self._credentials.of(route.credentials_file)


def _why_none(rules: Sequence[TlsRule | Refused | TryLater]) -> Refused | TryLater:
    """For later, if one of them may do later."""
    for kind in (TryLater, Refused):
        for each in rules:
            if isinstance(each, kind):
                return each
    return TryLater("4.4.4", "there is no way to the recipient now")
