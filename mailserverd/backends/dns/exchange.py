"""One question to one nameserver, over UDP and, where the answer does not fit, over TCP.

Standing rules: each question has a socket, and so a port, of its own, connected to the nameserver, and a number from
good randomness (RFC 5452 §9.2); what does not answer it is passed over until the time is up; every end, cancelling
included, closes the socket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import CannotListenError, ConnectError, ConnectionDone
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from mailserverd.backends.dns.answer import BadReply, parse
from mailserverd.backends.dns.nameservers import Nameserver

QUICK_OCTETS = 4096  # more than this takes milliseconds to parse
Parsing = Callable[[bytes], Awaitable[dns.message.Message]]


class NoAnswer(Exception):
    """Nothing that can be used came in time; the text says why."""


class UdpQuestion(DatagramProtocol):
    def __init__(self, host: str, port: int, query: dns.message.Message) -> None:
        self._host, self._port, self._query = host, port, query
        self.answer: Deferred[dns.message.Message] = Deferred()

    def startProtocol(self) -> None:
        assert self.transport is not None
        try:
            self.transport.connect(self._host, self._port)
            self.transport.write(self._query.to_wire(), None)
        except (OSError, ValueError) as error:  # ValueError: Twisted knows no such address
            self.answer.errback(NoAnswer(f"it cannot be reached ({error})"))

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        if self.answer.called or datagram[:2] != self._query.id.to_bytes(2, "big"):
            return
        try:
            reply = parse(datagram)
        except BadReply:
            return  # the true one may still come
        if self._query.is_response(reply):
            self.answer.callback(reply)

    def connectionRefused(self) -> None:
        self.stopProtocol()

    def stopProtocol(self) -> None:
        """The epoll reactor ends a socket on which an ICMP error came, and says only this."""
        if not self.answer.called:
            self.answer.errback(NoAnswer("nobody listens there"))


class TcpQuestion(Protocol):
    """RFC 7766: two octets of length before each message."""

    def __init__(self, query: dns.message.Message) -> None:
        self._query = query
        self._buffer = b""
        self.answer: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        octets = self._query.to_wire()
        self.transport.write(len(octets).to_bytes(2, "big") + octets)

    def end(self) -> None:
        assert self.transport is not None
        ITCPTransport(self.transport).abortConnection()

    def dataReceived(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) < 2 or self.answer.called:
            return
        length = int.from_bytes(self._buffer[:2], "big")
        if len(self._buffer) >= length + 2:
            self.answer.callback(self._buffer[2 : length + 2])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.answer.called:
            self.answer.errback(NoAnswer("the connection closed before the answer"))


class Exchange:
    """parse_large: parses off the reactor's thread. Deadlines are the reactor's."""

    def __init__(self, reactor: Any, parse_large: Parsing) -> None:
        self._reactor = reactor
        self._parse_large = parse_large

    async def ask(self, server: Nameserver, query: dns.message.Message, seconds: float) -> dns.message.Message:
        """The reply, whole, whatever its code. Raises NoAnswer."""
        end = self._reactor.seconds() + seconds
        reply = await self._udp(server, query, seconds)
        if not reply.flags & dns.flags.TC:
            return reply
        return await self._tcp(server, query, max(0.5, end - self._reactor.seconds()))

    async def _udp(self, server: Nameserver, query: dns.message.Message, seconds: float) -> dns.message.Message:
        protocol = UdpQuestion(server.host, server.port, query)
        try:
            port = self._reactor.listenUDP(0, protocol, interface="::" if ":" in server.host else "")
        except (OSError, CannotListenError) as error:
            raise NoAnswer(f"no socket ({error})") from None
        try:
            reply: dns.message.Message = await _in_time(protocol.answer, seconds, self._reactor)
            return reply
        finally:
            port.stopListening()

    async def _tcp(self, server: Nameserver, query: dns.message.Message, seconds: float) -> dns.message.Message:
        kind = TCP6ClientEndpoint if ":" in server.host else TCP4ClientEndpoint
        endpoint = kind(self._reactor, server.host, server.port, timeout=seconds)
        end = self._reactor.seconds() + seconds
        protocol = TcpQuestion(query)
        try:
            await endpoint.connect(Factory.forProtocol(lambda: protocol))
        except (ConnectError, ConnectionDone, OSError) as error:
            raise NoAnswer(f"TCP: {type(error).__name__}") from None
        try:
            octets = await _in_time(protocol.answer, max(0.1, end - self._reactor.seconds()), self._reactor)
            reply = parse(octets) if len(octets) <= QUICK_OCTETS else await self._parse_large(octets)
        except BadReply as error:
            raise NoAnswer(str(error)) from None
        finally:
            protocol.end()
        if not query.is_response(reply):
            raise NoAnswer("its reply answers something else")
        return reply


async def _in_time(answer: Deferred[Any], seconds: float, clock: Any) -> Any:
    timed_out: list[bool] = []

    def end() -> None:
        timed_out.append(True)
        answer.cancel()

    timer = clock.callLater(seconds, end)
    try:
        return await answer
    except CancelledError:
        if timed_out:
            raise NoAnswer(f"no answer within {seconds:.0f} s") from None
        raise
    finally:
        if timer.active():
            timer.cancel()
