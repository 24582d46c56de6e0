"""Who is connected: counted for the metrics, and turned away above a limit.

Standing rules: a server calls `admit` when it knows the client's address (behind a load balancer: after the
PROXY header) and, when admitted, `leave` exactly once; memory grows with addresses, not with connections.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, ClassVar, Protocol

from mailserverd.model.networks import network_of
from mailserverd.telemetry.metrics import Metrics

FULL = "too many connections to this service"
SERVER_FULL = "too many connections to this server"
ADDRESS_FULL = "too many connections from your address"
TOO_FAST = "too many connections a minute from your address"
_REASON_LABELS = {FULL: "listener", SERVER_FULL: "server", ADDRESS_FULL: "address", TOO_FAST: "rate"}


class Limits(Protocol):
    """What is read of [limits]; telemetry stands beside config and does not import it."""

    @property
    def exempt_networks(self) -> Container[str]: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def max_connections_per_address(self) -> int: ...
    @property
    def max_connections_per_minute(self) -> int: ...


class Limited(Protocol):
    """The configuration, as far as connections are concerned: LISTENERS names the sections of listeners."""

    LISTENERS: ClassVar[tuple[str, ...]]

    @property
    def limits(self) -> Limits: ...


class Connections:
    """Open connections by listener and by client address (IPv6: its /64), held against the limits of the configuration.

    most: how many the system has descriptors for, whatever the configuration says and whoever asks; 0: any number.
    """

    def __init__(self, config: Limited, metrics: Metrics, seconds: Callable[[], float], most: int = 0) -> None:
        self._most = most
        self._metrics = metrics
        self._seconds = seconds
        self._by_listener: dict[str, int] = {}
        self._by_address: dict[str, int] = {}
        self._by_both: dict[tuple[str, str], int] = {}
        self._opened: dict[str, int] = {}
        self._minute = 0
        self.total = 0
        self.reload(config)

    def reload(self, config: Limited) -> None:
        """Hold what comes from now on against the limits of `config`."""
        self._limits = config.limits
        self._listeners: dict[str, Any] = {name: getattr(config, name) for name in config.LISTENERS}

    def exempt(self, host: str) -> bool:
        """Whether this client is free of connection and rate limits."""
        return host in self._limits.exempt_networks

    def admit(self, listener: str, host: str) -> str | None:
        """None: served, and counted until `leave`. Otherwise the reason, one line for the client."""
        if self._most and self.total >= self._most:
            reason: str | None = SERVER_FULL
        else:
            reason = None if self.exempt(host) else self._reason(listener, host)
        if reason is not None:
            self._metrics.connections_refused[listener, _REASON_LABELS[reason]].value += 1
            return reason
        network = network_of(host)
        self.total += 1
        self._by_listener[listener] = self._by_listener.get(listener, 0) + 1
        self._by_address[network] = self._by_address.get(network, 0) + 1
        self._by_both[listener, network] = self._by_both.get((listener, network), 0) + 1
        self._metrics.connections_accepted[listener,].value += 1
        self._metrics.connections_open[listener,].value += 1
        return None

    def leave(self, listener: str, host: str) -> None:
        """An admitted connection is gone."""
        self.total -= 1
        self._by_listener[listener] -= 1
        self._metrics.connections_open[listener,].value -= 1
        network = network_of(host)
        for counts, key in ((self._by_address, network), (self._by_both, (listener, network))):
            _take(counts, key)

    def _reason(self, listener: str, host: str) -> str | None:
        limits, section = self._limits, self._listeners[listener]
        network = network_of(host)
        if self._too_fast(network):
            return TOO_FAST
        if self.total >= limits.max_connections:
            return SERVER_FULL
        if self._by_listener.get(listener, 0) >= section.max_connections:
            return FULL
        if (
            self._by_address.get(network, 0) >= limits.max_connections_per_address
            or self._by_both.get((listener, network), 0) >= section.max_connections_per_address
        ):
            return ADDRESS_FULL
        return None

    def _too_fast(self, network: str) -> bool:
        if not self._limits.max_connections_per_minute:
            return False
        if (minute := int(self._seconds() // 60)) != self._minute:
            self._minute = minute
            self._opened.clear()
        opened = self._opened[network] = self._opened.get(network, 0) + 1
        return opened > self._limits.max_connections_per_minute


def _take(counts: dict[Any, int], key: Any) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
