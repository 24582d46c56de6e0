"""What clients that don't read make the server hold, all of them together.

Standing rules: only a client whose transport has said that it takes no more is looked at, so that who reads costs
nothing; what is counted is what there is, and is measured again before anybody is dropped for it; the first to go is
who has held most for longest, and nothing is said to him: it would come after what he does not read.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Connection, Server
from twisted.logger import Logger

from mailserverd.telemetry.metrics import Counter

_WARN_SECONDS = 60
UNCOUNTED_OCTETS = 16_384  # a connection with fewer is not held to be stalled
log = Logger()


class Served(Server):
    """A client's connection. Its producer is asked to wait as soon as more than this is left in the transport."""

    bufferSize = UNCOUNTED_OCTETS


def waiting_octets(transport: Any) -> int:
    """Output that the kernel has not taken, over TLS too."""
    tcp = transport if isinstance(transport, Connection) else getattr(transport, "transport", None)
    return len(tcp.dataBuffer) + tcp._tempDataLen if isinstance(tcp, Connection) else 0


def forget_waiting(transport: Any) -> None:
    """For a connection that is given up: Twisted would keep its output until the reactor's next turn."""
    tcp = transport if isinstance(transport, Connection) else getattr(transport, "transport", None)
    if isinstance(tcp, Connection):
        tcp.dataBuffer, tcp.offset = b"", 0
        tcp._tempDataBuffer, tcp._tempDataLen = [], 0


class Limits(Protocol):
    """[limits]."""

    @property
    def max_unsent_bytes(self) -> int: ...


class Client(Protocol):
    """A connection that can be stalled."""

    @property
    def name(self) -> str:
        """Of the session, for the log."""
        ...

    def held_octets(self) -> int:
        """Output not taken by the client, what waits for it to be, and input that waits for that."""
        ...

    def drop(self) -> None:
        """End the connection now, whatever it is in the middle of, and hold nothing more."""
        ...


class _Stall:
    __slots__ = ("octets", "since")

    def __init__(self, since: float) -> None:
        self.octets = 0
        self.since = since


class Unsent:
    """Of all connections of all listeners. octets: what those that are stalled hold. clock: the reactor."""

    def __init__(self, clock: IReactorTime, limits: Limits, dropped: Counter) -> None:
        self._clock = clock
        self._limits = limits
        self._dropped = dropped
        self._stalls: dict[Client, _Stall] = {}
        self._changed: set[Client] = set()
        self._warned = clock.seconds() - _WARN_SECONDS
        self.octets = 0

    def reload(self, limits: Limits) -> None:
        self._limits = limits

    def stalls(self, client: Client) -> None:
        """It takes nothing, or holds more since it did. Looked at now, and when it has done what it is at."""
        if client not in self._stalls:
            self._stalls[client] = _Stall(self._clock.seconds())
        if not self._changed:
            self._clock.callLater(0, self._look)
        self._changed.add(client)
        self._count((client,))

    def goes_on(self, client: Client) -> None:
        """It has taken everything, or is gone."""
        stall = self._stalls.pop(client, None)
        if stall is not None:
            self.octets -= stall.octets

    def _look(self) -> None:
        changed, self._changed = self._changed, set()
        self._count(changed)

    def _count(self, clients: Iterable[Client]) -> None:
        self._measure(clients)
        if self.octets > self._limits.max_unsent_bytes:
            self._measure(self._stalls)  # some may have taken a part meanwhile
            self._make_room()

    def _measure(self, clients: Iterable[Client]) -> None:
        for client in clients:
            stall = self._stalls.get(client)
            if stall is not None:
                octets = client.held_octets()
                self.octets += octets - stall.octets
                stall.octets = octets

    def _make_room(self) -> None:
        """Below the bound by an eighth, so that it is not to be done again at once."""
        most = self._limits.max_unsent_bytes
        if self.octets <= most:
            return
        soon = self._clock.seconds() + 1  # of those that stall in the same second who holds more
        worst = sorted(self._stalls.items(), key=lambda each: each[1].octets * (soon - each[1].since), reverse=True)
        for client, stall in worst:
            if self.octets <= most - most // 8:
                break
            log.info("dropped: it does not read what it asked for", session=client.name, octets=stall.octets)
            self.goes_on(client)
            client.drop()
            self._dropped.value += 1
        if soon - self._warned > _WARN_SECONDS:
            self._warned = soon
            log.warn("clients that don't read make the server hold limits.max_unsent_bytes: the worst are dropped")
