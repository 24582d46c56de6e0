"""A client, a scripted peer that says what a test tells it to, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from mailserverd.config.outbound import Timeouts
from mailserverd.interfaces.mail_transport import Hop, HopFailed, Outgoing, Recipient, Sent
from mailserverd.smtp.sending.connection import SmtpConnection
from mailserverd.smtp.sending.tls import ClientTls
from mailserverd.smtp.sending.transport import SmtpTransport

TIMEOUTS = Timeouts(
    connect_seconds=30,
    greeting_seconds=50,
    ehlo_seconds=60,
    mail_seconds=70,
    rcpt_seconds=80,
    data_seconds=90,
    block_seconds=100,
    dot_seconds=110,
)
BODY = b"Subject: hello\r\n\r\nworld\r\n"
ALL = ("PIPELINING", "8BITMIME", "SIZE 100000", "ENHANCEDSTATUSCODES")


class Wire(StringTransport):
    """full: takes so many octets before it asks to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.writes: list[bytes] = []
        self.full = 1 << 40

    def write(self, data: bytes) -> None:
        super().write(data)
        self.writes.append(data)
        if self.producer is not None and len(self.value()) > self.full:
            self.producer.pauseProducing()

    def unregisterProducer(self) -> None:
        if self.producer is not None:
            super().unregisterProducer()

    def abortConnection(self) -> None:
        self.aborted = True
        self.disconnecting = True

    def drained(self) -> bytes:
        """What was written until now; there is room again."""
        value = self.value()
        self.clear()
        if self.producer is not None:
            self.producer.resumeProducing()
        return value


def message(*recipients: str, sender: str = "a@x.example", octets: bytes = BODY, **given: Any) -> Outgoing:
    async def prepare(form: str) -> bytes:
        return octets

    given.setdefault("prepare", prepare)
    given.setdefault("size", len(octets))
    wanted = [Recipient(each) for each in recipients or ("b@y.example",)]
    return Outgoing(sender, given.pop("recipients", wanted), **given)


class Running:
    """A coroutine that goes on by itself."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self.answer: Any = None
        self.done = False
        self.deferred: Deferred[Any] = Deferred.fromCoroutine(work)
        self.deferred.addBoth(self._end)

    def _end(self, answer: Any) -> None:
        assert not self.done
        self.done = True
        self.answer = answer

    @property
    def failed(self) -> HopFailed:
        assert isinstance(self.answer, Failure), self.answer
        error = self.answer.value
        assert isinstance(error, HopFailed), error
        return error

    @property
    def sent(self) -> Sent:
        assert isinstance(self.answer, Sent), self.answer
        return self.answer

    def codes(self) -> list[int]:
        return [each.code for each in self.sent.results]

    def kinds(self) -> list[str]:
        return [type(each.outcome).__name__ for each in self.sent.results]


class Stage:
    """One connection: `says` is the peer's line, `heard` what came since the last time."""

    def __init__(self, protocol: str = "smtp", timeouts: Timeouts = TIMEOUTS, **hop: Any) -> None:
        self.reactor = MemoryReactorClock()
        random = lambda count: b"r" * count  # noqa: E731
        in_thread = lambda function, *given: succeed(function(*given))  # noqa: E731
        self.transport = SmtpTransport(self.reactor, lambda: timeouts, ClientTls(None), random, in_thread)
        self.hop = Hop(protocol, "mx.example", "192.0.2.25", 25, "me.example", **hop)
        self.wire = Wire()
        self.connecting = Running(self.transport.connect(self.hop))
        self.protocol: Any = None

    def accept(self) -> None:
        host, port, factory, seconds, bind = self.reactor.tcpClients[-1]
        self.address = (host, port, seconds, bind)
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.wire)

    def says(self, *lines: str) -> None:
        self.sends("".join(line + "\r\n" for line in lines).encode("latin-1"))

    def sends(self, octets: bytes) -> None:
        if not self.wire.aborted:
            self.protocol.dataReceived(octets)

    def heard(self) -> bytes:
        value = self.wire.value()
        self.wire.clear()
        return value

    def closes(self, reason: BaseException | None = None) -> None:
        self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    def passes(self, seconds: float) -> None:
        """Second by second, as timers may hang on each other."""
        for _ in range(int(seconds)):
            self.reactor.advance(1)

    def open(self, *keywords: str) -> SmtpConnection:
        """Past EHLO."""
        self.accept()
        self.says("220 mx.example ESMTP")
        assert self.heard().split() in ([b"EHLO", b"me.example"], [b"LHLO", b"me.example"])
        lines = ["mx.example", *keywords]
        self.says(*[f"250{' ' if i == len(lines) - 1 else '-'}{line}" for i, line in enumerate(lines)])
        assert self.connecting.done
        connection = self.connecting.answer
        assert isinstance(connection, SmtpConnection), connection
        self.connection = connection
        return connection

    def send(self, outgoing: Outgoing) -> Running:
        return Running(self.connection.send(outgoing))


def opened(*keywords: str, protocol: str = "smtp", **hop: Any) -> Stage:
    stage = Stage(protocol, **hop)
    stage.open(*(keywords or ALL))
    return stage
