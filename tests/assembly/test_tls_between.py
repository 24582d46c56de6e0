"""From what the DNS says to a session: routing's rules in the hands of the client, against peers on loopback."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import succeed
from twisted.protocols import tls

from mailserverd.interfaces.mail_transport import Hop, HopFailed, Peer
from mailserverd.smtp.sending.tls import ClientTls
from mailserverd.smtp.sending.transport import SmtpTransport
from mailserverd.wire.mta_sts.policy import Mode, StsPolicy
from tests.nameserver.real import RealReactor
from tests.nameserver.zones import Zones
from tests.queue.where import World
from tests.smtp.sending.certificates import Issued, good, issue, middle, root
from tests.smtp.sending.stage import TIMEOUTS
from tests.smtp.sending.tls_peer import TlsPeer

OWN = issue("whoever", names=("whoever.example",))


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[RealReactor]:
    made = RealReactor()
    monkeypatch.setattr(tls, "_get_default_clock", lambda: made)
    monkeypatch.setattr(TlsPeer, "turn", staticmethod(made.turn), raising=False)
    yield made
    made.end()


class Sending:
    """A domain a.example, whose exchanger mx.example is the peer."""

    def __init__(self, port: int, reactor: RealReactor, folder: Path, *lines: str, secure: bool = True) -> None:
        zones = Zones(
            "a.example MX 10 mx.example",
            "mx.example A 127.0.0.1",
            *(line.format(port=port) for line in lines),
            secure=[""] if secure else [],
        )
        self.world = World(zones, remote_port=port)
        self.reactor = reactor
        in_thread = lambda function, *given: succeed(function(*given))  # noqa: E731
        self.transport = SmtpTransport(
            reactor, lambda: TIMEOUTS, ClientTls(root().write(folder)), os.urandom, in_thread
        )

    def hop(self) -> Hop:
        (hop,) = self.world.hops("a.example")
        assert isinstance(hop, Hop)
        return hop

    def attempt(self) -> Peer:
        """As the queue does it. Raises HopFailed."""
        hop = self.hop()
        try:
            connection = self.reactor.run_until(self.transport.connect(hop))
        except HopFailed as error:
            self.world.routing.failed("a.example", hop, error)
            raise
        self.world.routing.connected("a.example", hop, connection.peer)
        connection.abort()
        return connection.peer

    @property
    def reasons(self) -> list[str]:
        return [reason for _, _, reason in self.world.results]


def tlsa(certificate: Issued, usage: int) -> str:
    record = certificate.tlsa(usage)
    return f"_{{port}}._tcp.mx.example TLSA {usage} {record.selector} {record.matching} {record.data.hex()}"


def offers_tls(peer: TlsPeer) -> None:
    with contextlib.suppress(OSError, AssertionError):
        peer.offers_tls()
    peer.waits_for_end()


def breaks_tls(peer: TlsPeer) -> None:
    peer.greets("STARTTLS")
    peer.hears("STARTTLS")
    peer.says("220 go", "this is no TLS at all, whatever was said before it")
    peer.waits_for_end()


def plain(peer: TlsPeer) -> None:
    peer.greets()
    peer.waits_for_end()


Chain = Callable[[Issued], Path]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return lambda leaf: leaf.write(tmp_path, middle(), root())


def test_dane_knows_a_certificate_of_no_authority(reactor: RealReactor, tmp_path: Path, chain: Chain) -> None:
    with TlsPeer(offers_tls, chain(OWN)) as peer:
        sending = Sending(peer.port, reactor, tmp_path, tlsa(OWN, 3))
        assert sending.hop().tls.need == "dane"
        assert sending.attempt().verified
        assert sending.reasons == [""]


def test_dane_by_an_authority_of_the_records(reactor: RealReactor, tmp_path: Path, chain: Chain) -> None:
    with TlsPeer(offers_tls, chain(good())) as peer:
        assert Sending(peer.port, reactor, tmp_path, tlsa(middle(), 2)).attempt().verified


def test_dane_refuses_another_certificate_and_stays(reactor: RealReactor, tmp_path: Path, chain: Chain) -> None:
    with TlsPeer(offers_tls, chain(good())) as peer:
        sending = Sending(peer.port, reactor, tmp_path, tlsa(OWN, 3))
        with pytest.raises(HopFailed):
            sending.attempt()
        assert sending.hop().tls.need == "dane"
        assert sending.reasons == ["validation-failure"]


def test_tlsa_that_was_not_validated_is_as_none(reactor: RealReactor, tmp_path: Path, chain: Chain) -> None:
    with TlsPeer(offers_tls, chain(good())) as peer:
        sending = Sending(peer.port, reactor, tmp_path, tlsa(OWN, 3), secure=False)
        assert sending.hop().tls.need == "may"
        assert not sending.attempt().verified


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.TESTING])
@pytest.mark.parametrize("leaf", [good(), OWN])
def test_mta_sts(reactor: RealReactor, tmp_path: Path, chain: Chain, mode: Mode, leaf: Issued) -> None:
    with TlsPeer(offers_tls, chain(leaf)) as peer:
        sending = Sending(peer.port, reactor, tmp_path)
        sending.world.policies["a.example"] = StsPolicy(mode, ("mx.example",), 1, ())
        if mode is Mode.ENFORCE and leaf is OWN:
            with pytest.raises(HopFailed):
                sending.attempt()
            assert sending.reasons == ["certificate-not-trusted"]
        else:
            assert sending.attempt().verified is (leaf is not OWN)
            assert sending.reasons == ["validation-failure" if leaf is OWN else ""]


def test_a_handshake_that_breaks_means_plaintext_at_the_next_attempt(reactor: RealReactor, tmp_path: Path) -> None:
    with TlsPeer(breaks_tls) as peer:
        sending = Sending(peer.port, reactor, tmp_path)
        with pytest.raises(HopFailed) as caught:
            sending.attempt()
    assert caught.value.stage == "tls"
    assert sending.hop().tls.need == "none"
    with TlsPeer(plain) as again:
        sending.world.settings = sending.world.settings.model_copy(update={"remote_port": again.port})
        assert sending.attempt().tls == ""
    assert sending.reasons == ["validation-failure"]


@pytest.mark.parametrize("script", [breaks_tls, plain])
def test_no_plaintext_where_a_policy_demands_tls(
    reactor: RealReactor, tmp_path: Path, script: Callable[[Any], None]
) -> None:
    with TlsPeer(script) as peer:
        sending = Sending(peer.port, reactor, tmp_path)
        sending.world.policies["a.example"] = StsPolicy(Mode.ENFORCE, ("mx.example",), 1, ())
        with pytest.raises(HopFailed):
            sending.attempt()
        assert sending.hop().tls.need == "verify"
        assert sending.reasons == ["starttls-not-supported" if script is plain else "validation-failure"]
