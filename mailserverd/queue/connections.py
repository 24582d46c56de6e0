"""Connections to other servers: how many there may be, which of them are free, who waits for one.

Standing rules: a connection counts at its provider from before it is made until it is closed; one that is free is kept
for a short while and serves any destination by the same hop, from the same address and by the same TLS rule; it makes
place for whoever needs another. Those who wait for a place are woken in the order in which they came.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.mail_transport import Hop, HopFailed, MailConnection, MailTransport
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.backoff import Rests
from mailserverd.queue.parts import Limits, Routing, Source, Told

MAX_HOPS_TRIED = 8
WRONG_FAMILY = TryLater("4.4.1", "the receiving server has no address that the chosen local address can reach")


@dataclass(slots=True, eq=False)
class Held:
    """One connection in somebody's hands. sent: how many messages went over it."""

    connection: MailConnection
    hop: Hop
    provider: str
    sent: int = 0
    timer: IDelayedCall | None = None


class Turn:
    """Somebody waits for a place."""

    __slots__ = ("deferred", "hops", "source")

    def __init__(self, hops: Sequence[Hop], source: Source) -> None:
        self.hops, self.source = hops, source
        self.deferred: Deferred[Held | None] = Deferred()


class NoHop(Exception):
    """No hop could be reached. worst: TryLater, unless all of them refused for good."""

    def __init__(self, outcome: TryLater | Refused, code: int, reply: str, where: str) -> None:
        super().__init__(outcome.why)
        self.outcome, self.code, self.reply, self.where = outcome, code, reply, where


class Connections:
    """now: the wall clock, for rests."""

    def __init__(
        self,
        transport: MailTransport,
        limits: Limits,
        routing: Routing,
        told: Told,
        settings: Callable[[], Outbound],
        clock: IReactorTime,
        now: Callable[[], float],
    ) -> None:
        self._transport, self._limits, self._routing, self._told = transport, limits, routing, told
        self._settings, self._clock, self._now = settings, clock, now
        self.hosts: Rests[tuple[str, str, int], HopFailed] = Rests()  # by source, address and port
        self._free: dict[Hop, list[Held]] = {}
        self._held: set[Held] = set()
        self._in_use: dict[str, int] = {}
        self._parties: dict[str, set[str]] = {}
        self._waiting: dict[str, deque[Turn]] = {}
        self._serving: dict[str, bool] = {}
        self._closing: set[Deferred[None]] = set()

    # Places.

    def room(self, provider: str) -> bool:
        """Whether a further connection may be made now, without taking it from somebody who waits."""
        if self._waiting.get(provider):
            return False
        return self._limits.room(provider) or self._evict(provider)

    def join(self, provider: str, destination: str) -> None:
        """The destination has mail for this provider, until `leave`."""
        self._parties.setdefault(provider, set()).add(destination)

    def leave(self, provider: str, destination: str) -> None:
        parties = self._parties.get(provider, set())
        parties.discard(destination)
        if not parties:
            self._parties.pop(provider, None)

    def share(self, provider: str) -> int:
        """How many of the provider's connections one destination has where all have the same."""
        return max(1, self._in_use.get(provider, 0) // max(1, len(self._parties.get(provider, ()))))

    def wanted(self, provider: str) -> bool:
        """Whether somebody waits for a place there."""
        return bool(self._waiting.get(provider))

    async def place(self, provider: str, hops: Sequence[Hop], source: Source) -> Held | None:
        """Wait for a place, which is taken then; or for a connection by one of the hops, if one becomes free before."""
        turn = Turn(hops, source)
        line = self._waiting.setdefault(provider, deque())
        line.append(turn)
        try:
            return await turn.deferred
        finally:
            if turn in line:
                line.remove(turn)
            if not line and self._waiting.get(provider) is line:
                del self._waiting[provider]

    def _opened(self, provider: str) -> None:
        self._limits.opened(provider)
        self._in_use[provider] = self._in_use.get(provider, 0) + 1

    def take_place(self, provider: str) -> bool:
        """A place, if there is one now that nobody waits for."""
        if not self.room(provider):
            return False
        self._opened(provider)
        return True

    def closed(self, provider: str) -> None:
        """A place is free again."""
        self._count_closed(provider)
        self._wake(provider)

    def _count_closed(self, provider: str) -> None:
        self._limits.closed(provider)
        self._in_use[provider] -= 1
        if not self._in_use[provider]:
            del self._in_use[provider]

    def _wake(self, provider: str) -> None:
        """Soon, for who waits may run at once when it is called: the line of the provider is served."""
        if self._waiting and not self._serving:
            self._clock.callLater(0, self._serve)
        if self._waiting:
            self._serving[provider] = True

    def _serve(self) -> None:
        """Those lines, or where one is empty all others: what became free may be a place of all."""
        providers, self._serving = self._serving, {}
        if not all(provider in self._waiting for provider in providers):
            providers = dict.fromkeys(self._waiting, True)
        for provider in providers:
            line = self._waiting.get(provider)
            while line and self._served(provider, line):
                continue

    def _served(self, provider: str, line: "deque[Turn]") -> bool:
        """Whether there was something for the first in line."""
        turn = line[0]
        held = self.free(turn.hops, turn.source)
        if held is None:
            if not (self._limits.room(provider) or self._evict(provider)):
                return False
            self._opened(provider)
        line.popleft()
        turn.deferred.callback(held)
        return True

    def wake_all(self) -> None:
        for provider in list(self._waiting):
            self._wake(provider)

    # Connections.

    def free(self, hops: Sequence[Hop], source: Source) -> Held | None:
        """A free connection by one of the hops."""
        if not self._free:
            return None
        for hop in hops:
            line = self._free.get(from_source(hop, source))
            while line:
                held = self._unpark(line.pop())
                if held.connection.idle():
                    return held
                self.close(held)
        return None

    async def make(
        self, destination: str, hops: Sequence[Hop], source: Source, provider: str, passing: Sequence[Hop] = ()
    ) -> Held:
        """A new connection by the first hop that answers, in a place that was taken before; raises NoHop, and then
        the place is free again. passing: hops that were tried."""
        failures: list[tuple[Hop, HopFailed]] = []
        try:
            for hop in [each for each in hops if each not in passing][:MAX_HOPS_TRIED]:
                host = (source.address, hop.address, hop.port)
                rest = self.hosts.of(host, self._now())
                if rest is not None:
                    failures.append((hop, rest.why))
                elif same_family(source.address, hop.address):
                    try:
                        return await self._connected(destination, hop, source, provider)
                    except HopFailed as error:
                        failures.append((hop, error))
        except BaseException:
            self.closed(provider)
            raise
        self.closed(provider)
        raise worst(failures)

    async def _connected(self, destination: str, hop: Hop, source: Source, provider: str) -> Held:
        try:
            connection = await self._transport.connect(from_source(hop, source))
        except HopFailed as error:
            if error.stage != "tls":
                self.hosts.failed(
                    (source.address, hop.address, hop.port), error, self._now(), self._settings().retry_seconds
                )
            self._routing.failed(destination, hop, error)
            self._limits.failed(provider, source.address, error.outcome, error.code, error.reply, int(self._now()))
            self._told.connection_failed(provider, hop, error)
            raise
        self.hosts.succeeded((source.address, hop.address, hop.port))
        self._routing.connected(destination, hop, connection.peer)
        self._told.connected(provider, hop, connection.peer)
        held = Held(connection, hop, provider)
        self._held.add(held)
        return held

    def park(self, held: Held, source: Source) -> None:
        """Keep it for the next message, for a short while."""
        seconds = self._settings().idle_connection_seconds
        if not seconds or not held.connection.idle() or self._limits.excess(held.provider):
            self.close(held)
            return
        key = from_source(held.hop, source)
        self._free.setdefault(key, []).append(held)
        held.timer = self._clock.callLater(seconds, self._tired, key, held)
        self._wake(held.provider)

    def _tired(self, key: Hop, held: Held) -> None:
        held.timer = None
        line = self._free.get(key, [])
        if held in line:
            line.remove(held)
            if not line:
                del self._free[key]
        self.close(held)

    def _unpark(self, held: Held) -> Held:
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        for key in [key for key, line in self._free.items() if not line]:
            del self._free[key]
        return held

    def _evict(self, provider: str) -> bool:
        """Close a free connection to the provider, or, where it has none at all and so all together are too many, any
        other: whether there is room."""
        lines = [line for line in self._free.values() if line and line[0].provider == provider]
        if not lines and not self._in_use.get(provider):
            lines = [line for line in self._free.values() if line]
        if lines:
            self._drop(self._unpark(lines[0].pop(0)))
        return bool(lines) and self._limits.room(provider)

    def _drop(self, held: Held) -> None:
        """As close, but nobody is woken: the place is for who asked."""
        self._held.discard(held)
        self._count_closed(held.provider)
        self._say_goodbye(held)

    def close(self, held: Held) -> None:
        self._held.discard(held)
        self.closed(held.provider)
        self._say_goodbye(held)

    def _say_goodbye(self, held: Held) -> None:
        closing = Deferred.fromCoroutine(held.connection.close())
        if not closing.called:
            self._closing.add(closing)
        closing.addErrback(lambda failure: None)  # close() raises nothing; a cancelled one may
        closing.addBoth(lambda _: self._closing.discard(closing))

    async def stop(self) -> None:
        """Free ones say goodbye, the others are cut."""
        for line in list(self._free.values()):
            for held in line:
                if held.timer is not None:
                    held.timer.cancel()
                self.close(held)
        self._free.clear()
        for held in list(self._held):
            held.connection.abort()
            self._held.discard(held)

    def forget(self) -> None:
        self.hosts.forget()


def from_source(hop: Hop, source: Source) -> Hop:
    if not source.address and not source.helo:
        return hop
    return replace(hop, source=source.address, helo=source.helo or hop.helo)


def same_family(source: str, address: str) -> bool:
    if not source:
        return True
    try:
        return ip_address(source).version == ip_address(address).version
    except ValueError:
        return True


def worst(failures: Sequence[tuple[Hop, HopFailed]]) -> NoHop:
    """What stands for all: the first that may pass, else the first refusal."""
    if not failures:
        return NoHop(WRONG_FAMILY, 0, WRONG_FAMILY.why, "")
    passing = [each for each in failures if isinstance(_meant(each[1]), TryLater)]
    hop, error = (passing or failures)[0]
    return NoHop(_meant(error), error.code, error.reply or error.outcome.why, where_of(hop))


def _meant(error: HopFailed) -> TryLater | Refused:
    """A 5yz in the greeting is about us today, and one to a login about our settings: neither is about a recipient, so
    neither is the end of a message; a greeting of 521 or 554 sends us to the next host (RFC 5321 §3.1, RFC 7504 §4)."""
    outcome = error.outcome
    if isinstance(outcome, Refused) and error.stage in ("greeting", "auth"):
        return TryLater(f"4{outcome.status[1:]}", outcome.why)
    return outcome


def where_of(hop: Hop) -> str:
    return f"{hop.host}[{hop.address}]:{hop.port}"
