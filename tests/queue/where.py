"""What tests of routing share: a routing over zone data, with stand-ins for policies and reports."""

from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.mail_transport import Hop
from mailserverd.queue.ourselves import Ourselves
from mailserverd.queue.routing import DnsRouting
from mailserverd.wire.mta_sts.policy import StsPolicy
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones

HOSTNAME = "mail.here.example"


def run(work: Any) -> Any:
    """What a coroutine that waits for nothing returns."""
    answers: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(answers.append)
    assert answers, "it waits for something"
    if isinstance(answers[0], Failure):
        answers[0].raiseException()
    return answers[0]


class Policies(dict[str, StsPolicy]):
    async def policy(self, domain: str) -> StsPolicy | None:
        return self.get(domain)


class Results(list[tuple[str, str, str]]):
    def succeeded(self, destination: str, hop: Hop) -> None:
        self.append((destination, hop.host, ""))

    def failed(self, destination: str, hop: Hop, reason: str) -> None:
        self.append((destination, hop.host, reason))

    def not_allowed(self, destination: str, host: str) -> None:
        self.append((destination, host, "not allowed"))


class World:
    """One DNS and one server in it."""

    def __init__(
        self, zones: Zones, trusted: bool = True, listening: Any = (), local: Any = lambda _: True, **outbound: Any
    ) -> None:
        self.clock, self.zones = Clock(), zones
        self.clock.advance(1_800_000_000)
        self.settings = Outbound.model_validate(outbound)
        self.resolver = ZoneResolver(zones, self.clock, trusted)
        self.policies, self.results = Policies(), Results()
        self.routing = DnsRouting(
            self.resolver,
            self.policies,
            self.results,
            lambda: self.settings,
            HOSTNAME,
            Ourselves(HOSTNAME, lambda: listening, local),
            Random(7),
            self.clock.seconds,
        )

    def hops(self, destination: str, require_tls: bool = False) -> Any:
        return run(self.routing.hops(destination, require_tls))

    def addresses(self, destination: str) -> list[str]:
        return [each.address for each in self.hops(destination)]
