"""A stage for the engine: a clock, a queue in memory, hosts that answer as told, and what became of everything."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.mail_transport import Hop, HopFailed, Outgoing, Peer, Result, Sent
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.parts import Attempt, NobodyTold
from mailserverd.queue.service import Machinery, scheduler
from tests.queue.memory_store import MemoryQueue

T = TypeVar("T")
NOW = 1_780_000_000
BODY = b"From: anna@example.org\r\nSubject: x\r\n\r\nbody\r\n"
OK = Result(Delivered(), 250, "250 2.0.0 ok")


def later(reply: str) -> Result:
    return Result(TryLater(reply[4:9], reply), int(reply[:3]), reply)


def never(reply: str) -> Result:
    return Result(Refused(reply[4:9], reply), int(reply[:3]), reply)


def hop(host: str, address: str = "", port: int = 25) -> Hop:
    return Hop("smtp", host, address or "192.0.2." + str(sum(host.encode()) % 250), port, "out.example.org")


class Host:
    """answer: for a recipient's address. down: what connecting meets. seconds: how long a message takes.
    extensions: what it offers. messages_a_session: after that many it says 421 to the next. ended: told of each message
    """

    def __init__(self, answer: Callable[[str], Result] = lambda _: OK, seconds: float = 0.0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.down: HopFailed | None = None
        self.extensions = frozenset({"DSN"})
        self.messages_a_session = 1_000_000
        self.ended: Callable[[], object] = lambda: None
        self.sessions: list[Session] = []
        self.open = self.most_open = 0
        self.messages: list[Outgoing] = []
        self.bodies: list[bytes] = []

    def recipients(self) -> list[str]:
        return [each.address for message in self.messages for each in message.recipients]


class Session:
    def __init__(self, host: Host, hop: Hop, clock: Clock) -> None:
        self._host, self._clock = host, clock
        self.hop = hop
        self.peer = Peer(f"{hop.host}[{hop.address}]:{hop.port}", extensions=host.extensions)
        self.ended = False
        self.busy = False
        self.sent = 0

    async def send(self, message: Outgoing) -> Sent:
        assert not self.busy
        host = self._host
        if self.sent >= host.messages_a_session or self.ended:
            self._end()
            return Sent([later("421 4.3.2 enough") for _ in message.recipients], broken=True)
        self.sent += 1
        self.busy = True
        body = await message.prepare("8BITMIME")
        if host.seconds:
            done: Deferred[None] = Deferred()
            self._clock.callLater(host.seconds, done.callback, None)
            await done
        self.busy = False
        host.messages.append(message)
        host.bodies.append(body)
        results = [host.answer(each.address) for each in message.recipients]
        host.ended()
        if any(each.code == 421 or not each.code for each in results):
            self._end()
            return Sent(results, broken=True)
        return Sent(results)

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self._host.open -= 1

    def idle(self) -> bool:
        return not self.ended and not self.busy

    async def close(self) -> None:
        self._end()

    def abort(self) -> None:
        self._end()


class Hosts:
    """The transport. connecting: how long a connection takes to make or to fail."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.connecting = 0.0
        self.by_name: dict[str, Host] = {}
        self.tried: list[Hop] = []

    async def connect(self, hop: Hop) -> Session:
        self.tried.append(hop)
        host = self.by_name[hop.host]
        if self.connecting:
            done: Deferred[None] = Deferred()
            self._clock.callLater(self.connecting, done.callback, None)
            await done
        if host.down is not None:
            raise host.down
        session = Session(host, hop, self._clock)
        host.sessions.append(session)
        host.open += 1
        host.most_open = max(host.open, host.most_open)
        return session


class Routes:
    """By destination; what is not there is one host by the name mx.DESTINATION."""

    def __init__(self) -> None:
        self.by_name: dict[str, Sequence[Hop] | Refused | TryLater] = {}
        self.requiring: Refused | None = None
        self.asked = 0

    async def hops(self, destination: str, require_tls: bool) -> Sequence[Hop] | Refused | TryLater:
        self.asked += 1
        if require_tls and self.requiring:
            return self.requiring
        return self.by_name.get(destination, (hop(f"mx.{destination}"),))

    def connected(self, destination: str, hop: Hop, peer: Peer) -> None: ...
    def failed(self, destination: str, hop: Hop, error: HopFailed) -> None: ...
    def forget(self) -> None: ...


class Notes(NobodyTold):
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def attempted(self, attempts: Sequence[Attempt]) -> None:
        self.attempts += attempts


class Postbox:
    """Notices. outcome: what becomes of each."""

    def __init__(self) -> None:
        self.outcome: Outcome = Delivered()
        self.reports: dict[str, tuple[str, bytes]] = {}

    async def notify(self, address: str, message: bytes, key: str) -> Outcome:
        if isinstance(self.outcome, Delivered):
            self.reports.setdefault(key, (address, message))
        return self.outcome


class Stage:
    """Everything. `run(seconds)` lets time pass."""

    def __init__(self, store: QueueStore | None = None, parts: dict[str, Any] | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.settings = Outbound(**({"retry_seconds": (300, 600), "delay_warning_seconds": 0} | settings))
        self.store = MemoryQueue() if store is None else store
        self.hosts, self.routes, self.notes, self.post = Hosts(self.clock), Routes(), Notes(), Postbox()
        self.scheduler = scheduler(
            Machinery(
                self.store,
                self.hosts,  # type: ignore[arg-type]
                self.routes,
                self.post,
                lambda: "out.example.org",
                lambda: self.settings,
                self.clock,
                self.clock.seconds,
                lambda: 0.0,
                told=self.notes,
                **(parts or {}),
            )
        )
        self.wait(self.scheduler.start())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        answers: list[T] = []
        Deferred.fromCoroutine(work).addCallback(answers.append)
        assert answers, "it waits"
        return answers[0]

    @property
    def now(self) -> int:
        return int(self.clock.seconds())

    def host(self, destination: str, answer: Callable[[str], Result] = lambda _: OK, seconds: float = 0.0) -> Host:
        made = self.hosts.by_name[f"mx.{destination}"] = Host(answer, seconds)
        return made

    def queue(self, name: str, *addresses: str, recipient: dict[str, Any] | None = None, **more: Any) -> None:
        created = more.pop("created", self.now)
        fields = {
            "sender": "anna@example.org", "account_id": None, "mail_class": "", "created": created,
            "expires": created + 5 * 86_400, "size": len(BODY),
        } | more  # fmt: skip
        due = more.get("due", self.now)
        fields.pop("due", None)
        rows = [
            QueuedRecipient(name, n, each, each.rpartition("@")[2], State.DUE, due) for n, each in enumerate(addresses)
        ]
        rows = [replace(each, **(recipient or {})) for each in rows]
        self.wait(self.store.submit(QueueEntry(name, **fields), rows, BODY))
        self.scheduler.wake()

    def run(self, seconds: float = 1.0, step: float = 0.05) -> None:
        self.clock.pump([step] * max(1, round(seconds / step)))

    def row(self, name: str, position: int = 0) -> QueuedRecipient:
        rows = {each.recipient.position: each.recipient for each in self.wait(self.store.entry(name))}
        return rows[position]

    def gone(self, name: str) -> bool:
        return not self.wait(self.store.entry(name))

    def kinds(self) -> list[str]:
        return [each.kind for each in self.notes.attempts]
