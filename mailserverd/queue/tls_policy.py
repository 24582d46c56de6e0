"""What TLS must be with one host: the route's own rule, DANE, MTA-STS and REQUIRETLS, the strictest of them.

Standing rules: a published policy may raise what a route asks for ("encrypt", "verify"), but an administrator who wrote
"none" or "may" has decided against it; REQUIRETLS overrides everybody; plaintext after a broken handshake only where
nothing demands TLS. Where DANE holds, the certificate is judged by it alone: MTA-STS never overrides it (RFC 8461 §2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from mailserverd.config.outbound import Route
from mailserverd.interfaces.mail_transport import TlsRule
from mailserverd.interfaces.resolver import LookupFailed, Resolver
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.address_order import is_six
from mailserverd.queue.broken_tls import BrokenTls
from mailserverd.queue.dane import Tlsa, tlsa_of
from mailserverd.wire.mta_sts.policy import Mode, StsPolicy

ORDER = ("none", "may", "encrypt", "verify", "dane")
NO_REQUIRETLS = Refused("5.7.30", "REQUIRETLS was asked for, and there is no way to the recipient that satisfies it")


class StsPolicies(Protocol):
    async def policy(self, domain: str) -> StsPolicy | None:
        """The policy that holds for mail to the domain now; None: none. Raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the domain before its hosts.

    secure_mx    who takes its mail was validated; static: nobody in the DNS says who, but a route or an address literal
    sts          its policy of MTA-STS, where it counts
    dane         whether TLSA records are obeyed
    at_least     "encrypt" where the protocol, or what is said over it, needs TLS
    """

    domain: str
    secure_mx: bool
    static: bool
    require_tls: bool
    dane: bool
    sts: StsPolicy | None = None
    route: Route | None = None
    at_least: str = "may"

    @property
    def own(self) -> str:
        """What the administrator wrote."""
        return self.route.tls if self.route is not None else ""

    @property
    def minds_published(self) -> bool:
        return self.own not in ("none", "may") or self.require_tls


async def rule(
    asked: Asked, host: str, port: int, resolver: Resolver, broken: BrokenTls
) -> TlsRule | Refused | TryLater:
    """The rule for a host of the domain; else why mail may not go there."""
    tlsa = None
    if asked.minds_published and asked.dane and (asked.secure_mx or asked.static) and is_name(host):
        try:
            tlsa = await tlsa_of(host, port, resolver)
        except LookupFailed as error:
            return TryLater("4.7.5", f"whether DANE holds for {host} is not known: {error}")
    if asked.own == "none" and not asked.require_tls:
        return TlsRule(need="none", policy="route")
    made = _by_route(asked, host)
    if asked.sts is not None and asked.minds_published:
        judged = _by_sts(made, asked.sts, asked.domain, host)
        if isinstance(judged, TryLater):
            return judged
        made = judged
    if tlsa is not None:
        made = _by_dane(made, tlsa, asked.domain, host)
    if asked.require_tls:
        return _by_requiretls(made, asked, host)
    if made.need == "may" and broken.is_broken(host):
        return replace(made, need="none")
    return made


def is_name(host: str) -> bool:
    return is_six(host) is None and not host.startswith("[")


def _by_route(asked: Asked, host: str) -> TlsRule:
    minimum = asked.route.minimum_tls if asked.route is not None else "1.2"
    made = raised(TlsRule(need="may", minimum=minimum), asked.at_least, "route", ())
    if asked.own == "encrypt":
        return raised(made, "encrypt", "route", ())
    return raised(made, "verify", "route", (host,)) if asked.own == "verify" else made


def raised(made: TlsRule, need: str, policy: str, names: tuple[str, ...]) -> TlsRule:
    """At least `need`; who asks for more is named."""
    if ORDER.index(need) <= ORDER.index(made.need):
        return made
    return replace(made, need=need, policy=policy, names=names)


def _by_sts(made: TlsRule, policy: StsPolicy, domain: str, host: str) -> TlsRule | TryLater:
    """RFC 8461 §4.1, §5: with "testing" mail goes as without, but what would have failed is reported."""
    if policy.mode is Mode.ENFORCE:
        if not policy.allows(host):
            return TryLater("4.7.5", f"{host} is no mail exchanger that the MTA-STS policy of {domain} allows")
        return raised(made, "verify", "sts", (host,))
    if policy.mode is Mode.TESTING and made.need in ("may", "encrypt"):
        return replace(made, policy=made.policy or "sts", names=(host,))
    return made


def _by_dane(made: TlsRule, tlsa: Tlsa, domain: str, host: str) -> TlsRule:
    if not tlsa.usable:
        return raised(made, "encrypt", "tlsa", ())  # RFC 7672 §2.2
    names = tuple(dict.fromkeys((tlsa.base, host, domain)))  # RFC 7672 §3.2.2
    return replace(made, need="dane", policy="tlsa", names=names, tlsa=tlsa.usable)


def _by_requiretls(made: TlsRule, asked: Asked, host: str) -> TlsRule | Refused:
    """RFC 8689 §4.2.1: who takes the mail is known securely, and shows a certificate that is his."""
    listed = asked.sts is not None and asked.sts.mode is not Mode.NONE and asked.sts.allows(host)
    if not (asked.static or asked.secure_mx or listed):
        return NO_REQUIRETLS
    return raised(made, "verify", "requiretls", (host,))
