"""What the engine asks of others: where, by which limits, from which address, in which form, and whom it tells.

Standing rules: nothing here raises but what is said; a method that is not async answers at once, from memory; `now` is
whole seconds since the epoch. Below each Protocol stands its plain form, which knows nothing but the configuration.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.mail_transport import CannotDowngrade, Hop, HopFailed, Peer
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry


class Source(NamedTuple):
    """Where from: the local address ("": any) and the name to greet with ("": the server's)."""

    address: str = ""
    helo: str = ""


class Wait(NamedTuple):
    """Not an attempt: nothing is counted, nobody is told; it is due again at `until`."""

    until: int
    why: str


class Routing(Protocol):
    async def hops(self, destination: str, require_tls: bool) -> Sequence[Hop] | Refused | TryLater:
        """The addresses to try, in this order; never empty; `source` is "" and `helo` the server's name. require_tls:
        only hops whose rule satisfies REQUIRETLS (RFC 8689 §4); Refused 5.7.30 where there is none."""
        ...

    def connected(self, destination: str, hop: Hop, peer: Peer) -> None:
        """A session was made, by the TLS rule of the hop (for TLS reports, and to forget a broken handshake)."""
        ...

    def failed(self, destination: str, hop: Hop, error: HopFailed) -> None:
        """No session was made; a handshake that broke is remembered: the next attempt may go in plaintext."""
        ...

    def forget(self) -> None:
        """Whatever was learned from failures."""
        ...


class ToOneHost:
    """Everything goes to one place."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop

    async def hops(self, destination: str, require_tls: bool) -> Sequence[Hop] | Refused | TryLater:
        return (self._hop,)

    def connected(self, destination: str, hop: Hop, peer: Peer) -> None:
        return

    def failed(self, destination: str, hop: Hop, error: HopFailed) -> None:
        return

    def forget(self) -> None:
        return


class Limits(Protocol):
    """What one receiving provider takes, and all together. source: the local address ("": any)."""

    def provider_of(self, hosts: Sequence[str]) -> str:
        """The provider behind these MX hosts, the first one counting."""
        ...

    def room(self, provider: str) -> bool:
        """Whether one more connection may be made now. One that has no other is let in as soon as there is a place."""
        ...

    def excess(self, provider: str) -> bool:
        """Whether there are more connections than there may be now: one that is free goes."""
        ...

    def opened(self, provider: str) -> None:
        """A connection is being made: it counts until `closed`."""
        ...

    def closed(self, provider: str) -> None: ...

    def wait(self, provider: str) -> float:
        """Seconds until the next message may begin; 0: now."""
        ...

    def begun(self, provider: str) -> None:
        """A message begins."""
        ...

    def succeeded(self, provider: str, source: str, recipients: int, now: int) -> None: ...

    def failed(self, provider: str, source: str, outcome: TryLater | Refused, code: int, reply: str, now: int) -> None:
        """One recipient, or one connection (code may be 0), met this."""
        ...

    def forget(self) -> None:
        """Every rest and learned limit (`queue flush`)."""
        ...


class ConfiguredLimits:
    """The same number of connections to everybody, always."""

    def __init__(self, settings: Callable[[], Outbound]) -> None:
        self._settings = settings
        self._in_use: dict[str, int] = {}
        self._in_all = 0

    def provider_of(self, hosts: Sequence[str]) -> str:
        return hosts[0].lower() if hosts else ""

    def room(self, provider: str) -> bool:
        settings = self._settings()
        to_provider = self._in_use.get(provider, 0) < settings.max_connections_per_provider
        return to_provider and self._in_all < settings.max_connections

    def excess(self, provider: str) -> bool:
        return self._in_use.get(provider, 0) > self._settings().max_connections_per_provider

    def opened(self, provider: str) -> None:
        self._in_use[provider] = self._in_use.get(provider, 0) + 1
        self._in_all += 1

    def closed(self, provider: str) -> None:
        self._in_all -= 1
        self._in_use[provider] -= 1
        if not self._in_use[provider]:
            del self._in_use[provider]

    def wait(self, provider: str) -> float:
        return 0.0

    def begun(self, provider: str) -> None:
        return

    def succeeded(self, provider: str, source: str, recipients: int, now: int) -> None:
        return

    def failed(self, provider: str, source: str, outcome: TryLater | Refused, code: int, reply: str, now: int) -> None:
        return

    def forget(self) -> None:
        return


class Sources(Protocol):
    """Pools, warm-up and rests: from which address a message goes."""

    def pick(self, mail_class: str, provider: str, recipients: int, now: int) -> Source | Wait:
        """For one message to so many recipients at this provider, which count as sent from there."""
        ...

    def unused(self, source: Source, provider: str, recipients: int, now: int) -> None:
        """What was picked did not go out: no session was made, or it was made ready too late."""
        ...

    def forget(self) -> None:
        """Every rest (`queue flush`)."""
        ...


class AnySource:
    def pick(self, mail_class: str, provider: str, recipients: int, now: int) -> Source | Wait:
        return Source()

    def unused(self, source: Source, provider: str, recipients: int, now: int) -> None:
        return

    def forget(self) -> None:
        return


class Screening(Protocol):
    """Asked before an attempt: suppressions that came since it was queued, a suspended account."""

    async def stopped(
        self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], now: int
    ) -> Mapping[int, Refused | Wait]:
        """By position, those that may not be tried: Refused ends as SUPPRESSED, Wait is put off. Raises StoreError."""
        ...


class NothingScreened:
    async def stopped(
        self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], now: int
    ) -> Mapping[int, Refused | Wait]:
        return {}


class Preparation(Protocol):
    """From what was accepted to what is sent: return path, added headers, downgrade, signature."""

    def alone(self, entry: QueueEntry) -> bool:
        """Whether each recipient gets a transaction of its own (VERP, one-click unsubscribe)."""
        ...

    def sender(self, entry: QueueEntry, recipient: QueuedRecipient) -> str:
        """The reverse-path of the transaction; the same at every attempt."""
        ...

    async def prepare(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes, form: str) -> bytes:
        """The octets for a peer that takes `form` ("7BIT", "8BITMIME", "BINARYMIME"). Raises CannotDowngrade."""
        ...


class AsAccepted:
    """Nothing is added, and nothing converted."""

    def alone(self, entry: QueueEntry) -> bool:
        return False

    def sender(self, entry: QueueEntry, recipient: QueuedRecipient) -> str:
        return entry.sender

    async def prepare(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes, form: str) -> bytes:
        if entry.body == "BINARYMIME" and form != "BINARYMIME":
            raise CannotDowngrade("the message is binary, and the receiving server takes none")
        if form == "7BIT" and not body.isascii():
            raise CannotDowngrade("the message has 8-bit octets, and the receiving server takes none")
        return body


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one recipient at one attempt; its new state is in `recipient`.

    kind       "delivered", "relayed" (delivered, and nobody else will send the success report that was asked for),
               "deferred", "failed", "expired" or "suppressed"
    outcome    the same as a value; code: of the reply, 0 without one; where: "host[address]:port", "" where none was
               reached; provider, source, tls: "" where unknown; seconds: how long the transaction took
    """

    entry: QueueEntry
    recipient: QueuedRecipient
    kind: str
    outcome: Outcome
    code: int
    reply: str
    where: str = ""
    provider: str = ""
    source: str = ""
    tls: str = ""
    seconds: float = 0.0


class Told(Protocol):
    """Log, trace, metrics, webhooks, suppression. Called after it is on disk."""

    def attempted(self, attempts: Sequence[Attempt]) -> None: ...

    def connected(self, provider: str, hop: Hop, peer: Peer) -> None: ...

    def connection_failed(self, provider: str, hop: Hop, error: HopFailed) -> None: ...


class NobodyTold:
    def attempted(self, attempts: Sequence[Attempt]) -> None:
        return

    def connected(self, provider: str, hop: Hop, peer: Peer) -> None:
        return

    def connection_failed(self, provider: str, hop: Hop, error: HopFailed) -> None:
        return


class Notices(Protocol):
    """The way of a report (a bounce) to whom it is for: into a mailbox here, or into the queue, with the null path."""

    async def notify(self, address: str, message: bytes, key: str) -> Outcome:
        """Delivered once it is durable; the same key again does nothing more. Raises nothing."""
        ...


class NoticesDropped:
    """For who wants none."""

    async def notify(self, address: str, message: bytes, key: str) -> Outcome:
        return Delivered("nowhere")
