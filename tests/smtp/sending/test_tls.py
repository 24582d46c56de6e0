"""STARTTLS and TLS from the start, over loopback: what is believed of a certificate and what is told of it."""

from __future__ import annotations

import contextlib
import os
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from twisted.internet.defer import succeed

from mailserverd.interfaces.mail_transport import Hop, HopFailed, TlsRule
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.smtp.sending.tls import ClientTls
from mailserverd.smtp.sending.transport import SmtpTransport
from tests.nameserver.real import RealReactor
from tests.smtp.sending.certificates import DAY, Issued, good, issue, middle, root
from tests.smtp.sending.conftest import Connect
from tests.smtp.sending.stage import BODY, TIMEOUTS, message
from tests.smtp.sending.tls_peer import TlsPeer


def chain(folder: Path, leaf: Issued | None = None) -> Path:
    return (leaf or good()).write(folder, middle(), root())


def takes_one(peer: TlsPeer) -> None:
    peer.offers_tls("PIPELINING")
    assert peer.takes_mail() == BODY
    peer.hears("QUIT")


@pytest.mark.parametrize("need", ["may", "encrypt", "verify"])
def test_mail_over_starttls(need: str, connect: Connect, reactor: RealReactor, tmp_path: Path) -> None:
    with TlsPeer(takes_one, chain(tmp_path)) as peer:
        connection = connect(peer.port, need)
        assert connection.peer.tls.startswith("TLSv1.3 TLS_")
        assert connection.peer.verified is (need == "verify")
        assert connection.peer.extensions == {"PIPELINING", "ENHANCEDSTATUSCODES"}
        sent = reactor.run_until(connection.send(message()))
        assert [each.code for each in sent.results] == [250]
        reactor.run_until(connection.close())
    assert peer.server_names == ["mx.example"]


def test_tls_from_the_start(connect: Connect, reactor: RealReactor, tmp_path: Path) -> None:
    def script(peer: TlsPeer) -> None:
        peer.starts_tls()
        peer.greets("PIPELINING", "STARTTLS")
        peer.takes_mail()
        peer.hears("QUIT")

    with TlsPeer(script, chain(tmp_path)) as peer:
        connection = connect(peer.port, "verify", "smtps")
        assert connection.peer.verified
        assert reactor.run_until(connection.send(message())).results[0].code == 250
        reactor.run_until(connection.close())


def test_requiretls_where_it_is_promised(connect: Connect, reactor: RealReactor, tmp_path: Path) -> None:
    def script(peer: TlsPeer) -> None:
        peer.offers_tls("PIPELINING", "REQUIRETLS")
        assert peer.hears("MAIL") == "MAIL FROM:<a@x.example> REQUIRETLS"
        peer.says("250 ok", "550 no", "554 no")
        peer.hears("RCPT")
        peer.hears("DATA")
        peer.hears("RSET")
        peer.says("250 ok")
        peer.hears("QUIT")

    with TlsPeer(script, chain(tmp_path)) as peer:
        connection = connect(peer.port, "verify")
        assert reactor.run_until(connection.send(message(require_tls=True))).results[0].code == 550
        reactor.run_until(connection.close())


@pytest.mark.parametrize(("need", "keyword"), [("encrypt", "REQUIRETLS"), ("verify", "PIPELINING")])
def test_requiretls_where_it_is_not(
    need: str, keyword: str, connect: Connect, reactor: RealReactor, tmp_path: Path
) -> None:
    def script(peer: TlsPeer) -> None:
        peer.offers_tls(keyword)
        peer.hears("QUIT")

    with TlsPeer(script, chain(tmp_path)) as peer:
        connection = connect(peer.port, need)
        (result,) = reactor.run_until(connection.send(message(require_tls=True))).results
        assert isinstance(result.outcome, Refused)
        assert result.outcome.status == "5.7.30"
        reactor.run_until(connection.close())


def test_authorities_that_cannot_be_read(reactor: RealReactor, tmp_path: Path, connect: Connect) -> None:
    transport = SmtpTransport(reactor, lambda: TIMEOUTS, ClientTls(tmp_path / "none"), os.urandom, succeed)

    def script(peer: TlsPeer) -> None:
        peer.greets("STARTTLS")
        peer.hears("STARTTLS")
        peer.says("220 go")
        peer.waits_for_end()

    with TlsPeer(script) as peer:
        hop = Hop("smtp", "mx.example", "127.0.0.1", peer.port, "me.example", "", TlsRule("verify"))
        with pytest.raises(HopFailed) as caught:
            reactor.run_until(transport.connect(hop))
    assert caught.value.outcome.status == "4.3.5"


def test_a_large_message_over_tls(connect: Connect, reactor: RealReactor, tmp_path: Path) -> None:
    octets = b"Subject: x\r\n\r\n" + b"".join(b".%060d\r\n" % number for number in range(30_000))

    def script(peer: TlsPeer) -> None:
        peer.offers_tls("PIPELINING")
        assert peer.takes_mail() == octets.replace(b"\n.", b"\n..")
        peer.hears("QUIT")

    with TlsPeer(script, chain(tmp_path)) as peer:
        connection = connect(peer.port, "encrypt")
        assert reactor.run_until(connection.send(message(octets=octets))).results[0].code == 250
        reactor.run_until(connection.close())


STRANGER = issue("Stranger", authority=True)
OLD = timedelta(days=60)
BAD = {
    "certificate-expired": issue("mx", middle(), names=("mx.example",), age=OLD),
    "certificate-host-mismatch": issue("mx.example", middle(), names=("other.example", "*.mx.example")),
    "certificate-not-trusted": issue("mx", STRANGER, names=("mx.example",)),
    "validation-failure": issue("mx", middle(), names=("mx.example",), age=-DAY),
}


def gives_certificate(peer: TlsPeer) -> None:
    peer.greets("STARTTLS")
    peer.hears("STARTTLS")
    peer.says("220 go")
    with contextlib.suppress(OSError):  # the client may go before its own last octets of the handshake
        peer.starts_tls()
    assert peer.waits_for_end() == []  # not a word, not even EHLO


@pytest.mark.parametrize("reason", BAD)
def test_a_certificate_that_does_not_do(reason: str, connect: Connect, tmp_path: Path) -> None:
    with TlsPeer(gives_certificate, chain(tmp_path, BAD[reason])) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port, "verify")
    assert (caught.value.stage, caught.value.tls_reason) == ("tls", reason)
    assert isinstance(caught.value.outcome, TryLater)
    assert caught.value.outcome.status == "4.7.5"


def test_a_self_signed_certificate(connect: Connect, tmp_path: Path) -> None:
    own = issue("mx", names=("mx.example",))
    with TlsPeer(gives_certificate, own.write(tmp_path)) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port, "verify")
    assert caught.value.tls_reason == "certificate-not-trusted"


@pytest.mark.parametrize("reason", BAD)
def test_any_certificate_does_where_nothing_is_believed_of_it(reason: str, connect: Connect, tmp_path: Path) -> None:
    with TlsPeer(lambda peer: peer.offers_tls(), chain(tmp_path, BAD[reason])) as peer:
        connection = connect(peer.port, "encrypt")
        assert connection.peer.tls
        assert not connection.peer.verified
        connection.abort()


@pytest.mark.parametrize("reason", ["", *BAD])
def test_a_certificate_that_is_only_looked_at(reason: str, connect: Connect, tmp_path: Path) -> None:
    leaf = BAD[reason] if reason else None
    with TlsPeer(lambda peer: peer.offers_tls(), chain(tmp_path, leaf)) as peer:
        connection = connect(peer.port, "may", names=("mx.example",))
        assert connection.peer.tls
        assert connection.peer.verified is (not reason)
        connection.abort()


def test_one_of_several_names(connect: Connect, tmp_path: Path) -> None:
    with TlsPeer(lambda peer: peer.offers_tls(), chain(tmp_path)) as peer:
        assert connect(peer.port, "verify", host="elsewhere.example", names=("a.example", "mx.example")).peer.verified
    assert peer.server_names == ["elsewhere.example"]


def test_an_address_as_the_name(connect: Connect, tmp_path: Path) -> None:
    with TlsPeer(lambda peer: peer.offers_tls(), chain(tmp_path, issue("x", middle(), names=("127.0.0.1",)))) as peer:
        assert connect(peer.port, "verify", host="127.0.0.1").peer.verified
    assert peer.server_names == [None]  # RFC 6066 §3


def old_tls(peer: TlsPeer) -> None:
    peer.greets("STARTTLS")
    peer.hears("STARTTLS")
    peer.says("220 go")
    peer.starts_tls(ssl.TLSVersion.TLSv1_2)
    peer.answers_ehlo()


def test_tls_1_2_does(connect: Connect, tmp_path: Path) -> None:
    with TlsPeer(old_tls, chain(tmp_path)) as peer:
        assert connect(peer.port, "encrypt").peer.tls.startswith("TLSv1.2 ")


def test_tls_1_2_does_not_where_1_3_is_asked_for(connect: Connect, tmp_path: Path) -> None:
    def script(peer: TlsPeer) -> None:
        with pytest.raises(ssl.SSLError):
            old_tls(peer)

    with TlsPeer(script, chain(tmp_path)) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port, "encrypt", minimum="1.3")
    assert caught.value.tls_reason == "validation-failure"


def test_plaintext_behind_the_reply_to_starttls_is_thrown_away(
    connect: Connect, reactor: RealReactor, tmp_path: Path
) -> None:
    def script(peer: TlsPeer) -> None:
        peer.greets("STARTTLS")
        peer.hears("STARTTLS")
        peer.says("220 go", "250-mx.evil", "250 AUTH PLAIN")
        peer.starts_tls()
        peer.answers_ehlo("PIPELINING")
        peer.takes_mail()

    with TlsPeer(script, chain(tmp_path)) as peer:
        connection = connect(peer.port, "verify")
        assert connection.peer.extensions == {"PIPELINING", "ENHANCEDSTATUSCODES"}
        assert reactor.run_until(connection.send(message())).results[0].code == 250


@pytest.mark.parametrize("need", ["may", "encrypt"])
def test_a_broken_handshake(need: str, connect: Connect) -> None:
    def script(peer: TlsPeer) -> None:
        peer.greets("STARTTLS")
        peer.hears("STARTTLS")
        peer.says("220 go")
        peer.sends(b"this is no TLS at all, whatever was said\r\n")
        peer.waits_for_end()

    with TlsPeer(script) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port, need)
    assert (caught.value.stage, caught.value.tls_reason) == ("tls", "validation-failure")
    assert "handshake" in caught.value.outcome.why


def test_a_connection_that_ends_in_the_handshake(connect: Connect) -> None:
    def script(peer: TlsPeer) -> None:
        peer.greets("STARTTLS")
        peer.hears("STARTTLS")
        peer.says("220 go")

    with TlsPeer(script) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port)
    assert caught.value.stage == "tls"
