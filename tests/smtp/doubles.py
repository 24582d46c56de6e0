"""Stand-ins for what lies under the SMTP room, and a session over StringTransport.

Standing rule: each records what it was asked, and fails when it is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailserverd.accounts.login import Login, LoginFailure, Peer, Refusal
from mailserverd.accounts.sasl_exchange import ServerChallenge
from mailserverd.config.schema import Config
from mailserverd.connection.unsent import Unsent
from mailserverd.delivery.bounce import Bounces
from mailserverd.delivery.forwarding import Forwarding
from mailserverd.delivery.inbound import Inbound
from mailserverd.delivery.local_transport import LocalTransport
from mailserverd.delivery.notices import MailNotices
from mailserverd.delivery.pending import Pending
from mailserverd.delivery.queue_id import QueueIds
from mailserverd.delivery.receipts import Receipts
from mailserverd.delivery.route import Router
from mailserverd.delivery.spool import Spool
from mailserverd.delivery.trace_headers import DateLine
from mailserverd.interfaces.pending_deliveries import PendingDelivery
from mailserverd.model.account import Account, Recipient
from mailserverd.model.errors import NotFound, TryAgain
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.submit import Submission
from mailserverd.smtp.factory import SmtpFactory
from mailserverd.smtp.message_rate import MessageRate
from mailserverd.smtp.server import SmtpServer
from mailserverd.smtp.services import Services
from mailserverd.telemetry.connections import Connections
from mailserverd.telemetry.log import SessionIds
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace

NOW = 1_780_000_000.0
HOSTNAME = "mx.example.org"


class FakeDirectory:
    """example.org and bücher.example are ours; names maps addresses to accounts, elsewhere to addresses not ours."""

    def __init__(self) -> None:
        self.names: dict[str, list[Account]] = {}
        self.elsewhere: dict[str, tuple[str, ...]] = {}
        self.local = {"example.org", "bücher.example"}
        self.broken = False
        self.waits: Deferred[None] | None = None

    def add(self, number: int, address: str, **more: Any) -> Account:
        account = Account(AccountId(number), address, **more)
        self.names[address] = [account]
        return account

    def is_local(self, domain: str) -> bool:
        return domain in self.local

    async def resolve(self, address: str) -> Sequence[Recipient]:
        if self.broken:
            raise TryAgain("the store is away")
        if self.waits is not None:
            await self.waits
        local, _, domain = address.rpartition("@")
        found = self.names.get(address) or self.names.get(f"{local.partition('+')[0]}@{domain}")
        if found is None:
            raise NotFound(address)
        return [Recipient(each) for each in found]

    async def forwards(self, address: str) -> Sequence[str]:
        return self.elsewhere.get(address, ())

    async def account(self, address: str) -> Account:
        if address not in self.names:
            raise NotFound(address)
        return self.names[address][0]

    async def accounts(self, domain: str | None = None, after: str = "", limit: int = 1000) -> list[Account]:
        return [each[0] for _, each in sorted(self.names.items())]


@dataclass
class FakeScanned:
    octets: bytes
    message_id: bytes = b"id@example.net"


class FakeCopies:
    """delivered: (account, octets, key) in the order of commits. failing: account -> what deliver raises."""

    def __init__(self) -> None:
        self.delivered: list[tuple[int, bytes, bytes]] = []
        self.sent: list[tuple[int, bytes, bytes]] = []
        self.failing: dict[int, Exception] = {}
        self.prepare_fails: Exception | None = None
        self.prepared = 0
        self.waits: Deferred[None] | None = None

    async def prepare(self, octets: bytes) -> FakeScanned:
        self.prepared += 1
        if self.prepare_fails is not None:
            raise self.prepare_fails
        return FakeScanned(octets)

    async def deliver(
        self, account_id: AccountId, scanned: Any, key: bytes, internal_date: int, first: bool = False
    ) -> str:
        if self.waits is not None:
            await self.waits
        if account_id in self.failing:
            raise self.failing[account_id]
        if key not in {each[2] for each in self.delivered}:
            self.delivered.append((account_id, scanned.octets, key))
        return "INBOX/1"

    async def keep_sent(self, account_id: AccountId, scanned: Any, key: bytes, internal_date: int) -> None:
        if account_id in self.failing:
            raise self.failing[account_id]
        self.sent.append((account_id, scanned.octets, key))


class FakeSending:
    """submitted: what was queued. refusal: what both questions are answered with."""

    def __init__(self) -> None:
        self.submitted: list[Submission] = []
        self.refusal: Refused | TryLater | None = None
        self.refusal_at_the_end: Refused | TryLater | None = None

    async def admits(self, account: Account, address: str) -> Refused | TryLater | None:
        return self.refusal

    async def submit(self, wanted: Submission) -> Refused | TryLater | None:
        if self.refusal_at_the_end is None:
            self.submitted.append(wanted)
        return self.refusal_at_the_end


class FakeRecords:
    """PendingDeliveries in memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, PendingDelivery] = {}
        self.fails: Exception | None = None

    async def put(self, pending: PendingDelivery) -> None:
        if self.fails is not None:
            raise self.fails
        self.kept[pending.key] = pending

    async def due(self, now: int, limit: int) -> list[PendingDelivery]:
        return [each for each in self.kept.values() if each.due_at <= now][:limit]

    async def remove(self, key: bytes) -> None:
        self.kept.pop(key, None)

    async def count(self) -> int:
        return len(self.kept)


class FakeRoom:
    def __init__(self) -> None:
        self.full: set[int] = set()

    async def has_room(self, account_id: AccountId, octets: int) -> bool:
        return account_id not in self.full


@dataclass
class FakeExchange:
    """A mechanism of one step: the answer is the address of the account."""

    accounts: dict[bytes, Account]
    waits: Deferred[None] | None = None

    async def start(self, initial: bytes | None) -> Any:
        return ServerChallenge(b"") if initial is None else await self.step(initial)

    async def step(self, line: bytes) -> Any:
        if self.waits is not None:
            await self.waits
        account = self.accounts.get(line)
        if account is None:
            return LoginFailure(Refusal.CANCELLED if line == b"*" else Refusal.INVALID)
        return Login(account, "PLAIN")


class FakeReports:
    """leads: addresses of the server's own making. seen: what was read."""

    def __init__(self) -> None:
        self.leads: dict[str, str] = {}
        self.seen: list[tuple[list[str], str, bytes]] = []
        self.error: Exception | None = None

    async def leads_to(self, address: str) -> str | None:
        return self.leads.get(address)

    async def read(self, recipients: Sequence[str], reverse_path: str, message: bytes, now: int) -> None:
        if self.error is not None:
            raise self.error
        self.seen.append((list(recipients), reverse_path, message))


@dataclass
class FakeAuthenticator:
    accounts: dict[bytes, Account] = field(default_factory=dict)
    insecure: bool = False
    waits: Deferred[None] | None = None

    def allows(self, peer: Peer) -> bool:
        return peer.tls or self.insecure

    def mechanisms(self, peer: Peer) -> tuple[str, ...]:
        return ("PLAIN", "LOGIN") if self.allows(peer) else ()

    def sasl(self, mechanism: str, channel: Any, peer: Peer) -> Any:
        if not self.allows(peer):
            return LoginFailure(Refusal.TLS_REQUIRED)
        if mechanism.upper() not in ("PLAIN", "LOGIN"):
            return LoginFailure(Refusal.UNKNOWN_MECHANISM)
        return FakeExchange(self.accounts, self.waits)


async def at_once(function: Callable[[], bytes]) -> bytes:
    """In place of a thread."""
    return function()


class House:
    """Everything under one factory; `changes` are keyword sections of the configuration."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.directory = FakeDirectory()
        self.copies = FakeCopies()
        self.records = FakeRecords()
        self.sending = FakeSending()
        self.reports = FakeReports()
        self.room = FakeRoom()
        self.metrics = Metrics()
        self.trace = Trace(self.seconds)
        self.authenticator = FakeAuthenticator()
        self.tls: Any = object()
        files = {"certificate": str(folder / "c.pem"), "private_key": str(folder / "k.pem")}
        sections = {"server": {"hostname": HOSTNAME, "data_directory": str(folder)}, "tls": files, **changes}
        self.config = Config.model_validate(sections)
        self.queue_ids = QueueIds(self.seconds, lambda count: b"\1" * count)
        self.dates = DateLine(self.seconds)
        self.forwarding = Forwarding(b"secret", self.directory.is_local, self.seconds)
        self.router = Router(
            self.directory,  # type: ignore[arg-type]
            self.room,
            self.sending,
            self.reports,
            HOSTNAME,
            lambda: self.config.server.postmaster,
            self.forwarding,
        )
        self.transport = LocalTransport(self.copies, self.router, self.queue_ids, self.seconds)
        self.notices = MailNotices(self.transport, self.router, self.sending, self.seconds)
        self.pending = Pending(
            self.records,
            self.copies,
            self.directory,  # type: ignore[arg-type]
            Bounces(HOSTNAME, self.notices, self.trace),
            lambda: self.config.delivery,
            self.clock,
            self.seconds,
            self.metrics,
            self.trace,
        )
        self.inbound = Inbound(
            self.copies,
            self.pending,
            self.dates,
            self.seconds,
            at_once,
            lambda: self.config.delivery.max_received_headers,
            self.sending,
            self.reports,
            Receipts(HOSTNAME, self.notices),
            self.forwarding,
            self.metrics,
            self.trace,
        )
        self.spool = Spool(folder, self.config.limits.max_spool_memory_bytes)
        self.anna = self.directory.add(1, "anna@example.org")
        self.bob = self.directory.add(2, "bob@example.org")

    def seconds(self) -> float:
        return self.clock.seconds()

    def services(self) -> Services:
        return Services(
            router=self.router,
            inbound=self.inbound,
            spool=self.spool,
            queue_ids=self.queue_ids,
            dates=self.dates,
            authenticator=self.authenticator,  # type: ignore[arg-type]
            connections=Connections(self.config, self.metrics, self.seconds),
            unsent=Unsent(self.clock, self.config.limits, self.metrics.clients_dropped.of()),
            session_ids=SessionIds(lambda count: b"\2" * count),
            message_rate=MessageRate(self.seconds),
            metrics=self.metrics,
            trace=self.trace,
            clock=self.clock,
            tls=self.tls,
        )

    def factory(self, listener: str = "smtp") -> SmtpFactory:
        return SmtpFactory(self.services(), self.config, listener)


class TestTransport(StringTransport):
    """StringTransport with what the server asks of TCP."""

    __test__ = False

    def __init__(self, host: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 40000))
        self.started_tls: Any = None
        self.aborted = False
        self.no_delay = False
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        super().write(data)

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = enabled

    def startTLS(self, context: Any) -> None:
        self.started_tls = context

    def abortConnection(self) -> None:
        self.aborted = True


class Client:
    """The other end of one connection."""

    def __init__(self, house: House, listener: str = "smtp", host: str = "192.0.2.7", factory: Any = None) -> None:
        self.house = house
        self.transport = TestTransport(host)
        built = (factory or house.factory(listener)).buildProtocol(None)
        assert isinstance(built, SmtpServer)
        self.server = built
        self.server.makeConnection(self.transport)  # type: ignore[arg-type]

    def read(self) -> bytes:
        answer = self.transport.value()
        self.transport.clear()
        return answer

    def send(self, octets: bytes) -> bytes:
        """Send octets; everything that the server wrote by then."""
        self.server.dataReceived(octets)
        return self.read()

    def say(self, line: str) -> str:
        return self.send(line.encode() + b"\r\n").decode()

    def greet(self, verb: str = "EHLO") -> str:
        self.read()
        return self.say(f"{verb} client.example.net")

    def begin(self, *recipients: str, sender: str = "x@example.net", verb: str = "EHLO") -> str:
        """Greeting, MAIL, RCPT and DATA; the last answer."""
        self.greet(verb)
        self.say(f"MAIL FROM:<{sender}>")
        for each in recipients or ("anna@example.org",):
            self.say(f"RCPT TO:<{each}>")
        return self.say("DATA")

    def leave(self) -> None:
        self.server.connectionLost(Failure(ConnectionLost()))

    @property
    def closed(self) -> bool:
        return self.transport.disconnecting or self.transport.aborted
