"""Whether a next hop is this server.

Standing rules: it is by its name, or by an address *and* port that we listen on; no address is special, loopback's are
not: another port, or another address of this host, may well be somebody else.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address

ANY = frozenset({"0.0.0.0", "::"})


def of_this_host(address: str) -> bool:
    """Whether the address is one of this machine's: only then can a socket be bound to it. No packet is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


class Ourselves:
    """listening: the addresses and ports of all our listeners."""

    def __init__(
        self,
        hostname: str,
        listening: Callable[[], Iterable[tuple[str, int]]],
        local: Callable[[str], bool] = of_this_host,
    ) -> None:
        self._hostname = hostname.lower().rstrip(".")
        self._listening = listening
        self._local = local

    def named(self, host: str) -> bool:
        return host.lower().rstrip(".") == self._hostname

    def listens(self, address: str, port: int) -> bool:
        wanted = _one_form(address)
        hosts = {_one_form(host) for host, number in self._listening() if number == port}
        return wanted in hosts or (bool(hosts & ANY) and self._local(wanted))


def _one_form(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)
