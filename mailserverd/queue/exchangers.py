"""Who takes the mail of a domain, by the DNS (RFC 5321 §5.1).

Standing rules: best preference first, chance among equals; an exchanger that is this server ends the list where it
stands; a domain is refused only on a definite answer, anything else is for later; lookups and results are bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import NamedTuple

from twisted.internet.defer import Deferred, gatherResults

from mailserverd.interfaces.resolver import AliasLoop, LookupFailed, MailExchanger, NoSuchDomain, Resolver
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.address_order import in_turns
from mailserverd.queue.ourselves import Ourselves

MAX_EXCHANGERS = 10
MAX_ADDRESSES_OF_ONE = 6


class Exchanger(NamedTuple):
    """addresses: in the order to try them."""

    host: str
    preference: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exchangers:
    """secure: which they are was validated by DNSSEC (where there is no MX record: that there is none)."""

    hosts: tuple[Exchanger, ...]
    secure: bool


async def exchangers(
    domain: str, port: int, resolver: Resolver, ourselves: Ourselves, chance: Random
) -> Exchangers | Refused | TryLater:
    try:
        records, secure = await resolver.mail_exchangers(domain)
    except AliasLoop:
        return Refused("5.1.2", f"the CNAMEs of {domain} lead in a circle")
    except NoSuchDomain:
        return Refused("5.1.2", f"there is no domain {domain}")
    except LookupFailed as error:
        return TryLater("4.4.3", str(error))
    if records and all(each.host == "." for each in records):
        return Refused("5.1.10", f"{domain} takes no mail (null MX)")  # RFC 7505 §4.1
    wanted = in_order([each for each in records if each.host != "."] or [MailExchanger(0, domain)], chance)
    named = [each.preference for each in wanted if ourselves.named(each.host)]
    if named:
        wanted = [each for each in wanted if each.preference < min(named)]
        if not wanted:
            return loop(domain)
    found = await with_addresses(wanted[:MAX_EXCHANGERS], resolver, chance)
    hosts = _before_ourselves(found.hosts, port, ourselves)
    if hosts:
        return Exchangers(hosts, secure)
    if found.hosts:
        return loop(domain)
    if len(wanted) > MAX_EXCHANGERS:
        return TryLater("4.4.4", f"the first {MAX_EXCHANGERS} mail exchangers of {domain} have no address")
    return found.why_none(domain, bool(records))


def loop(domain: str) -> Refused:
    return Refused("5.4.6", f"mail for {domain} leads back to this server, which does not take it")


def in_order(records: Sequence[MailExchanger], chance: Random) -> list[MailExchanger]:
    """By preference, equals shuffled (RFC 5321 §5.1); a host that stands twice has its better place."""
    best: dict[str, int] = {}
    for each in records:
        best[each.host] = min(each.preference, best.get(each.host, each.preference))
    ordered: list[MailExchanger] = []
    if len(best) == 1:
        return [MailExchanger(preference, host) for host, preference in best.items()]
    by_preference = sorted((preference, host) for host, preference in best.items())
    for preference, group in groupby(by_preference, key=lambda pair: pair[0]):
        equals = [MailExchanger(preference, host) for _, host in group]
        chance.shuffle(equals)
        ordered += equals
    return ordered


class Found(NamedTuple):
    """failed: why an exchanger's addresses are not known now."""

    hosts: tuple[Exchanger, ...]
    failed: str
    missing: bool

    def why_none(self, domain: str, has_mx: bool) -> Refused | TryLater:
        if self.failed:
            return TryLater("4.4.3", self.failed)
        if has_mx:
            return Refused("5.4.4", f"no mail exchanger of {domain} has an address")
        if self.missing:
            return Refused("5.1.2", f"there is no domain {domain}")
        return Refused("5.4.4", f"{domain} has neither a mail exchanger nor an address")


async def with_addresses(wanted: Sequence[MailExchanger], resolver: Resolver, chance: Random) -> Found:
    """Those that have addresses, all looked up at once."""
    if len(wanted) == 1:
        asked = [await _addresses(wanted[0].host, resolver)]
    else:
        asked = await gatherResults([Deferred.fromCoroutine(_addresses(each.host, resolver)) for each in wanted])
    hosts, failed, missing = [], "", False
    for each, answer in zip(wanted, asked, strict=True):
        if isinstance(answer, LookupFailed):
            failed = failed or str(answer)
        elif isinstance(answer, NoSuchDomain):
            missing = True
        elif addresses := in_turns(answer, chance)[:MAX_ADDRESSES_OF_ONE]:
            hosts.append(Exchanger(each.host, each.preference, tuple(addresses)))
    return Found(tuple(hosts), failed, missing)


async def _addresses(host: str, resolver: Resolver) -> tuple[str, ...] | NoSuchDomain | LookupFailed:
    try:
        return (await resolver.addresses(host))[0]
    except (NoSuchDomain, LookupFailed) as error:
        return error


def _before_ourselves(hosts: Sequence[Exchanger], port: int, ourselves: Ourselves) -> tuple[Exchanger, ...]:
    """Without those that are no better than this server is (RFC 5321 §5.1)."""
    for each in hosts:
        if any(ourselves.listens(address, port) for address in each.addresses):
            return tuple(other for other in hosts if other.preference < each.preference)
    return tuple(hosts)
