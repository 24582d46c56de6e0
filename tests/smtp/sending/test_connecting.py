"""Connections that nobody accepts, over loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred, succeed

from mailserverd.interfaces.mail_transport import Hop, HopFailed
from mailserverd.model.outcome import TryLater
from mailserverd.smtp.sending.tls import ClientTls
from mailserverd.smtp.sending.transport import SmtpTransport
from tests.nameserver.real import RealReactor
from tests.smtp.sending.conftest import Connect
from tests.smtp.sending.stage import TIMEOUTS
from tests.smtp.sending.tls_peer import TlsPeer


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose queue of connections is full: the next one gets no answer at all."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listening.getsockname()[1]
    waiting = []
    for _ in range(4):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", port))
        waiting.append(each)
    yield port
    for each in (*waiting, listening):
        each.close()


def transport(reactor: RealReactor, connect_seconds: int = 1) -> SmtpTransport:
    timeouts = TIMEOUTS.model_copy(update={"connect_seconds": connect_seconds})
    return SmtpTransport(reactor, lambda: timeouts, ClientTls(None), os.urandom, succeed)


def to(port: int, **given: str) -> Hop:
    return Hop("smtp", "mx.example", "127.0.0.1", port, "me.example", **given)  # type: ignore[arg-type]


def test_no_answer(reactor: RealReactor, deaf: int) -> None:
    with pytest.raises(HopFailed) as caught:
        reactor.run_until(transport(reactor).connect(to(deaf)))
    assert caught.value.outcome == TryLater("4.4.1", "connection timed out")


def test_given_up_before_the_answer(reactor: RealReactor, deaf: int) -> None:
    connecting = Deferred.fromCoroutine(transport(reactor, 30).connect(to(deaf)))
    reactor.turn()
    connecting.cancel()
    with pytest.raises(HopFailed) as caught:
        reactor.run_until(connecting)
    assert caught.value.outcome == TryLater("4.4.1", "given up")


def test_nobody_listens(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(HopFailed) as caught:
        connect(port)
    assert caught.value.outcome == TryLater("4.4.1", "connection refused")


def test_from_an_address_of_ours(reactor: RealReactor) -> None:
    def script(peer: TlsPeer) -> None:
        seen.append(peer.address)
        peer.greets()

    seen: list[str] = []
    with TlsPeer(script) as peer:
        reactor.run_until(transport(reactor).connect(to(peer.port, source="127.0.0.5"))).abort()
    assert seen == ["127.0.0.5"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Twisted leaves the socket to Python
def test_from_an_address_that_is_not_ours(reactor: RealReactor) -> None:
    with pytest.raises(HopFailed) as caught:
        reactor.run_until(transport(reactor).connect(to(25, source="192.0.2.1")))
    assert caught.value.stage == "connect"
    assert caught.value.outcome.why.startswith("cannot connect from 192.0.2.1: ")
