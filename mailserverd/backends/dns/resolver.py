"""DnsResolver: the Resolver interface, asking the nameservers of [dns] or the system's.

Standing rules: nothing blocks, a dead nameserver costs a timer and a socket; the same question asked twice at once goes
out once; questions on their way are bounded; what may not be remembered is not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.rcode
import dns.reversename
from dns.rdatatype import RdataType
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from mailserverd.backends.dns.answer import MAX_ALIASES, Answer, parse, question, read
from mailserverd.backends.dns.cache import Cache, Key
from mailserverd.backends.dns.exchange import Exchange, NoAnswer
from mailserverd.backends.dns.nameservers import SYSTEM_FILE, Nameserver, nameservers
from mailserverd.config.outbound import Dns
from mailserverd.interfaces.resolver import (
    AliasLoop,
    LookupFailed,
    MailExchanger,
    NoSuchDomain,
    ServiceRecord,
    TlsaRecord,
)

MAX_AT_ONCE = 400
ROUNDS = 2
LONGEST = 4  # times timeout_seconds for a whole lookup
_WITHOUT_EDNS = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})  # RFC 6891 §6.2.2


class DnsResolver:
    """in_thread(function, argument) runs off the reactor's thread; randomness(n) gives n octets.

    asked, failed: how many questions went out (not those from memory), and how many of them found no answer
    """

    def __init__(
        self,
        settings: Dns,
        reactor: Any,
        in_thread: Callable[..., Any],
        randomness: Callable[[int], bytes],
        system: Path = SYSTEM_FILE,
    ) -> None:
        self.asked = self.failed = 0
        self._clock = reactor
        self._randomness = randomness
        self._system = system
        self._exchange = Exchange(reactor, lambda octets: in_thread(parse, octets))
        self._at_once = DeferredSemaphore(MAX_AT_ONCE)
        self._flying: dict[Key, list[Deferred[Answer]]] = {}
        self._cache = Cache(settings.cache_entries)
        self._settings = settings
        self._servers = nameservers(settings, system)

    @property
    def trusts_ad(self) -> bool:
        return self._servers.believed

    @property
    def remembered(self) -> int:
        return len(self._cache)

    def reload(self, settings: Dns) -> None:
        """Other nameservers know other things: then nothing is remembered."""
        servers = nameservers(settings, self._system)
        if servers.all != self._servers.all:
            self._servers = servers
            self._cache.clear()
        self._settings = settings
        self._cache.resize(settings.cache_entries)

    async def mail_exchangers(self, domain: str) -> tuple[tuple[MailExchanger, ...], bool]:
        answer = await self._existing(domain, RdataType.MX)
        return answer.records, answer.secure

    async def addresses(self, host: str) -> tuple[tuple[str, ...], bool]:
        kinds = (RdataType.AAAA, RdataType.A)
        both: list[Answer | NoSuchDomain | LookupFailed]
        if all(self._held(host, kind) for kind in kinds):
            both = [await self._tried(host, kind) for kind in kinds]
        else:
            both = await gatherResults([Deferred.fromCoroutine(self._tried(host, kind)) for kind in kinds])
        found = [each for each in both if isinstance(each, Answer)]
        records = tuple(address for each in found for address in each.records)
        if not records:
            for kind in (LookupFailed, NoSuchDomain):
                for each in both:
                    if isinstance(each, kind):
                        raise each
        return records, all(each.secure for each in found)

    async def texts(self, name: str) -> tuple[tuple[bytes, ...], bool]:
        answer = await self._existing(name, RdataType.TXT)
        return answer.records, answer.secure

    async def tlsa(self, name: str) -> tuple[tuple[TlsaRecord, ...], bool]:
        answer = await self._existing(name, RdataType.TLSA)
        return answer.records, answer.secure

    async def canonical(self, host: str) -> tuple[str, bool]:
        answer = await self._existing(host, RdataType.A)
        return answer.name, answer.secure

    async def alias(self, host: str) -> tuple[str, bool]:
        answer = await self._existing(host, RdataType.CNAME)
        return (answer.records[0] if answer.records else ""), answer.secure

    async def services(self, name: str) -> tuple[ServiceRecord, ...]:
        return (await self._existing(name, RdataType.SRV)).records

    async def pointers(self, address: str) -> tuple[str, ...]:
        try:
            name = dns.reversename.from_address(address)
        except (dns.exception.DNSException, ValueError):
            raise NoSuchDomain(address) from None
        return (await self._existing(name.to_text(omit_final_dot=True), RdataType.PTR)).records

    async def _tried(self, name: str, kind: RdataType) -> Answer | NoSuchDomain | LookupFailed:
        try:
            return await self._existing(name, kind)
        except (NoSuchDomain, LookupFailed) as error:
            return error

    async def _existing(self, name: str, kind: RdataType) -> Answer:
        answer = await self._lookup(name.lower(), kind)
        if not answer.exists:
            raise NoSuchDomain(name, answer.secure)
        return answer

    def _held(self, name: str, kind: RdataType) -> Answer | None:
        return self._cache.get((name, kind), self._clock.seconds())

    async def _lookup(self, name: str, kind: RdataType) -> Answer:
        key = (name, kind)
        held = self._held(name, kind)
        if held is not None:
            return held
        waiting: Deferred[Answer] = Deferred()
        if key in self._flying:
            self._flying[key].append(waiting)
        else:
            self._flying[key] = [waiting]
            Deferred.fromCoroutine(self._whole(name, kind)).addBoth(self._landed, key)
        return await waiting

    def _landed(self, answer: Any, key: Key) -> None:
        if isinstance(answer, Answer):
            self._cache.put(key, answer, self._clock.seconds())
        for each in self._flying.pop(key):
            if not each.called:  # one that was cancelled is
                each.callback(answer)

    async def _whole(self, name: str, kind: RdataType) -> Answer:
        """A nameserver that does not follow CNAMEs itself is asked about where they lead."""
        answer = await self._ask(name, kind)
        seen, secure, ttl = {name}, answer.secure, answer.ttl
        while answer.onward:
            if answer.name in seen or len(seen) > MAX_ALIASES:
                raise AliasLoop(name)
            seen.add(answer.name)
            answer = await self._ask(answer.name, kind)
            secure, ttl = secure and answer.secure, min(ttl, answer.ttl)
        return Answer(answer.records, answer.name, answer.exists, secure, ttl)

    async def _ask(self, name: str, kind: RdataType) -> Answer:
        end = self._clock.seconds() + LONGEST * self._settings.timeout_seconds
        self.asked += 1
        why, spoke = "there was no time to ask", set[Nameserver]()
        for server in self._servers.order(self._clock.seconds()) * ROUNDS:
            left = end - self._clock.seconds()
            if left <= 0 or server in spoke:
                continue
            try:
                reply = await self._one(server, name, kind, min(left, self._settings.timeout_seconds))
            except dns.exception.DNSException:
                raise NoSuchDomain(name) from None  # RFC 1035 §2.3.4: no name can be so
            except NoAnswer as error:
                self._servers.silent(server, self._clock.seconds())
                why = f"nameserver {server}: {error}"
                continue
            self._servers.answered(server)
            if reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return read(reply, name, kind, server.believed)
            spoke.add(server)
            why = f"nameserver {server} says {dns.rcode.to_text(reply.rcode())}"
        self.failed += 1
        raise LookupFailed(f"no answer about {name} ({RdataType.to_text(kind)}): {why}")

    async def _one(self, server: Nameserver, name: str, kind: RdataType, seconds: float) -> dns.message.Message:
        await self._at_once.acquire()
        try:
            reply = await self._exchange.ask(server, self._query(name, kind, True), seconds)
            if reply.rcode() in _WITHOUT_EDNS:
                reply = await self._exchange.ask(server, self._query(name, kind, False), seconds)
            return reply
        finally:
            self._at_once.release()

    def _query(self, name: str, kind: RdataType, edns: bool) -> dns.message.QueryMessage:
        return question(name, kind, int.from_bytes(self._randomness(2), "big"), edns)
