"""What goes out in the same turn, and what is left to Twisted."""

import socket
from collections.abc import Iterator

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Server
from twisted.internet.testing import StringTransport

from mailserverd.connection.prompt_write import write_now


class Ends:
    """A server's transport that no reactor runs, and the client's socket."""

    def __init__(self) -> None:
        here, self.client = socket.socketpair()
        here.setblocking(False)
        self.client.setblocking(False)
        self.reactor = EPollReactor()
        protocol = Protocol()
        self.transport = Server(here, protocol, ("127.0.0.1", 1), None, 1, self.reactor)
        protocol.makeConnection(self.transport)

    def got(self) -> bytes:
        try:
            return self.client.recv(1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.transport.stopReading()
        self.transport.stopWriting()
        self.transport.socket.close()
        self.client.close()
        for descriptor in (self.reactor.waker, *self.reactor._internalReaders):
            descriptor.connectionLost(None)
        self.reactor._poller.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_a_reply_is_there_before_the_reactor_turns(ends: Ends) -> None:
    write_now(ends.transport, b"250 ok\r\n")
    assert ends.got() == b"250 ok\r\n"


def test_behind_queued_octets_the_order_stays(ends: Ends) -> None:
    ends.transport.write(b"first ")
    write_now(ends.transport, b"second")
    assert ends.got() == b""
    ends.transport.doWrite()
    assert ends.got() == b"first second"


def test_what_does_not_fit_is_queued(ends: Ends) -> None:
    large = b"x" * 4_000_000
    write_now(ends.transport, large)
    got = len(ends.got())
    assert 0 < got < len(large)
    assert ends.transport.dataBuffer or ends.transport._tempDataBuffer
    left = len(ends.transport.dataBuffer) + sum(map(len, ends.transport._tempDataBuffer))
    while more := ends.got():
        got += len(more)
    assert got + left == len(large)


def test_any_other_transport_just_writes() -> None:
    transport = StringTransport()
    write_now(transport, b"hello")
    assert transport.value() == b"hello"
