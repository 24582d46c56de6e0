"""Every number the server counts, in one object.

Standing rules: an instrument is a plain slotted object that the hot path holds and bumps (no lock, no label
look-up there); one thread writes to one instrument; labels come from closed sets, never from a client; the
text for Prometheus is made when it is asked for (web/metrics).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

LATENCY_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BATCH_MESSAGES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class Counter:
    """A number that rises, or (in a gauge family) rises and falls: `counter.value += 1`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Histogram:
    """How often a value fell under each bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """(bound, how many at most that), the form of Prometheus."""
        sums, running = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            sums.append((bound, float(running)))
        return sums


Instrument = TypeVar("Instrument", Counter, Histogram)


class Family(dict[tuple[str, ...], Instrument], Generic[Instrument]):
    """Instruments by label values; a new combination is made on first use. Hold what you use often."""

    def __init__(self, name: str, doc: str, labels: tuple[str, ...], make: Callable[[], Instrument]) -> None:
        super().__init__()
        self.name, self.doc, self.labels = name, doc, labels
        self._make: Callable[[], Instrument] = make

    def __missing__(self, key: tuple[str, ...]) -> Instrument:
        if len(key) != len(self.labels):
            raise KeyError(f"{self.name} has the labels {self.labels}, not {key}")
        made = self[key] = self._make()
        return made

    def of(self, *labels: str) -> Instrument:
        """The instrument with these label values, to be held."""
        return self[labels]


class Metrics:
    """All instruments. Prometheus prefixes each name with `mailserverd_`."""

    def __init__(self) -> None:
        self.connections_accepted = Family(
            "connections_accepted", "Connections served, by listener", ("listener",), Counter
        )
        self.connections_refused = Family(
            "connections_refused", "Connections turned away, by listener and reason", ("listener", "reason"), Counter
        )
        self.connections_open = Family("connections_open", "Connections open now, by listener", ("listener",), Counter)
        self.clients_dropped = Family(
            "clients_dropped", "Connections ended because clients did not read what they asked for", (), Counter
        )
        self.commands = Family(
            "command_seconds",
            "Time from a command to its answer, by protocol and verb",
            ("protocol", "verb"),
            Histogram,
        )
        self.logins = Family("logins", "Logins, by protocol and outcome (ok, failed)", ("protocol", "outcome"), Counter)
        self.deliveries = Family(
            "deliveries",
            "Copies of messages, by door (smtp, submission, lmtp, append, pending) and outcome",
            ("door", "outcome"),
            Counter,
        )
        self.commit_seconds = Family("commit_seconds", "Time of a store commit, fsync included", (), Histogram)
        self.commit_messages = Family(
            "commit_messages", "Operations in a store commit", (), lambda: Histogram(BATCH_MESSAGES)
        )
        self.reactor_delay = Family("reactor_delay_seconds", "How late the reactor runs a timer", (), Histogram)
        self.log_events = Family("log_events", "Log lines, by level", ("level",), Counter)
        self.readings: dict[str, tuple[str, Callable[[], float]]] = {}
        self._of_sending()

    def _of_sending(self) -> None:
        """What is counted of mail to other servers."""
        self.outbound_attempts = Family(
            "outbound_attempts",
            "Attempts to deliver to a recipient elsewhere, by outcome, receiving provider and reason",
            ("outcome", "provider", "reason"),
            Counter,
        )
        self.outbound_connections = Family(
            "outbound_connections",
            "Connections to other servers, by provider and result (verified, unverified, none: of TLS; failed_STAGE)",
            ("provider", "result"),
            Counter,
        )
        self.outbound_seconds = Family("outbound_seconds", "Time of a transaction with another server", (), Histogram)
        self.outbound_recipients = Family(
            "outbound_recipients", "Recipients in the outbound queue, by state and class", ("state", "class"), Counter
        )
        self.outbound_oldest = Family(
            "outbound_oldest_seconds", "Age of the oldest message in the queue", ("state", "class"), Counter
        )
        self.outbound_reports = Family(
            "outbound_reports",
            "Reports about mail that had left, by kind (bounced, complained, unsubscribed)",
            ("kind",),
            Counter,
        )
        self.outbound_warm_up = Family(
            "outbound_warm_up",
            "New addresses of pools: their day (0 is the first), recipients today, and how many they may have",
            ("source", "what"),
            Counter,
        )
        self.outbound_rests = Family(
            "outbound_rests", "Addresses of ours that rest, by the provider that blocks them", ("provider",), Counter
        )
        self.outbound_limit = Family(
            "outbound_connection_limit",
            "Connections at once that a provider is found to take, where it differs from the start",
            ("provider",),
            Counter,
        )

    def read(self, name: str, doc: str, value: Callable[[], float]) -> None:
        """Show `value()` as the gauge `name` whenever the metrics are asked for."""
        self.readings[name] = (doc, value)

    def counters(self) -> Iterator[Family[Counter]]:
        yield from (self.connections_accepted, self.connections_refused, self.clients_dropped)
        yield from (self.logins, self.deliveries, self.log_events)
        yield from (self.outbound_attempts, self.outbound_connections, self.outbound_reports)

    def gauges(self) -> Iterator[Family[Counter]]:
        yield from (self.connections_open, self.outbound_recipients, self.outbound_oldest)
        yield from (self.outbound_warm_up, self.outbound_rests, self.outbound_limit)

    def histograms(self) -> Iterator[Family[Histogram]]:
        yield from (self.commands, self.outbound_seconds, self.commit_seconds)
        yield from (self.commit_messages, self.reactor_delay)
