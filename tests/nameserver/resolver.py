"""ZoneResolver: the server's own resolver, except that questions go to zone data instead of the network."""

from typing import Any

import dns.message
from twisted.internet.task import Clock

from mailserverd.backends.dns.exchange import NoAnswer
from mailserverd.backends.dns.nameservers import Nameserver
from mailserverd.backends.dns.resolver import DnsResolver
from mailserverd.config.outbound import Dns
from tests.nameserver.zones import Zones


class FromZones:
    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    async def ask(self, server: Nameserver, query: dns.message.Message, seconds: float) -> dns.message.Message:
        reply = self._zones.reply(query)
        if reply is None:
            raise NoAnswer(f"no answer within {seconds:.0f} s")
        return dns.message.from_wire(reply.to_wire(max_size=65535))


class ZoneResolver(DnsResolver):
    """trusted: whether AD is believed. What it remembers ends by the clock that is given."""

    def __init__(self, zones: Zones, clock: Any = None, trusted: bool = True, settings: Dns | None = None) -> None:
        nameservers = ("127.0.0.1",) if trusted else ("192.0.2.53",)
        settings = settings or Dns(nameservers=nameservers)
        super().__init__(settings, clock or Clock(), _inline, lambda n: bytes(n))
        self.zones = zones
        self._exchange = FromZones(zones)  # type: ignore[assignment]


def _inline(function: Any, argument: Any) -> Any:
    raise AssertionError("zone data needs no thread")
