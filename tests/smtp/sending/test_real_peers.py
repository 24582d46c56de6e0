"""Against servers that nobody scripted: our own by every door, Postfix, Dovecot's LMTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailserverd.interfaces.mail_transport import HopFailed
from mailserverd.wire.smtp.client.stuffing import BLOCK_OCTETS
from tests.nameserver.real import RealReactor
from tests.scenarios.clients.house import ALICE, BOB, PASSWORD, about, certificate, needs
from tests.scenarios.clients.postfix import Postfix
from tests.scenarios.server import MailServer, until
from tests.smtp.sending.conftest import Connect
from tests.smtp.sending.stage import message

BODIES = {
    "dots": b".\r\n..\r\n.x\r\n.\r\nMAIL FROM:<evil@x.example>\r\n",
    "edge": b"a" * 900 + b"\r\n" + (b"b" * 62 + b"\r\n") * 1009 + b".\r\n" * 40,
    "large": b"." + b"c" * 75 + b"\r\n" + (b".\r\n" + b"d" * 75 + b"\r\n") * 40_000,
    "eight": "grüße\r\n".encode() * 30,
    "empty": b"",
}
assert len(BODIES["edge"]) > BLOCK_OCTETS


def octets_of(subject: str, body: bytes) -> bytes:
    return f"From: x@elsewhere.test\r\nSubject: {subject}\r\n\r\n".encode() + body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with MailServer(tmp_path_factory.mktemp("server"), {ALICE: PASSWORD, BOB: PASSWORD}) as running:
        yield running


def check_arrived(server: MailServer, subject: str, body: bytes) -> None:
    for user in (ALICE, BOB):
        (came,) = about(server, subject, user)
        assert came.partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("way", ["smtp", "tls", "lmtp"])
def test_our_own_server(way: str, server: MailServer, connect: Connect, reactor: RealReactor) -> None:
    need = "encrypt" if way == "tls" else "none"
    protocol = "lmtp" if way == "lmtp" else "smtp"
    connection = connect(server.port("lmtp" if way == "lmtp" else "smtp"), need, protocol)
    assert bool(connection.peer.tls) is (way == "tls")
    for name, body in BODIES.items():
        sent = reactor.run_until(
            connection.send(message(ALICE, BOB, "nobody@example.org", octets=octets_of(f"own-{way}-{name}", body)))
        )
        assert [each.code for each in sent.results] == [250, 250, 550]
        assert connection.idle()
    reactor.run_until(connection.close())
    for name, body in BODIES.items():
        check_arrived(server, f"own-{way}-{name}", body)


def test_binary_by_bdat(server: MailServer, connect: Connect, reactor: RealReactor) -> None:
    body = bytes(range(256)) * 1000
    octets = b"Subject: own-binary\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n" + body
    connection = connect(server.port("smtp"))
    sent = reactor.run_until(connection.send(message(ALICE, octets=octets, body="BINARYMIME")))
    assert [each.code for each in sent.results] == [250]
    reactor.run_until(connection.close())
    (came,) = about(server, "own-binary", ALICE)
    assert came.endswith(body)


@pytest.mark.parametrize("protocol", ["smtp", "smtps"])
def test_as_a_user_at_a_smarthost(protocol: str, server: MailServer, connect: Connect, reactor: RealReactor) -> None:
    port = server.port("submissions" if protocol == "smtps" else "submission")
    connection = connect(port, "encrypt", protocol, credentials=(ALICE, PASSWORD))
    octets = f"From: {ALICE}\r\nSubject: own-{protocol}\r\n\r\nx\r\n".encode()
    sent = reactor.run_until(connection.send(message(BOB, sender=ALICE, octets=octets)))
    assert [each.code for each in sent.results] == [250]
    reactor.run_until(connection.close())
    assert len(about(server, f"own-{protocol}", BOB)) == 1
    with pytest.raises(HopFailed) as caught:
        connect(port, "encrypt", protocol, credentials=(ALICE, "wrong"))
    assert caught.value.code == 535


class Receiving(Postfix):
    """Offers STARTTLS too."""

    def _write(self, name: str, text: str) -> None:
        if name == "main.cf":
            chain = self.folder / "chain.pem"
            chain.write_bytes(self.chain.read_bytes())
            text += f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {chain}\n"
        super()._write(name, text)

    chain: Path


@needs("postfix")
@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix is started by root alone")
@pytest.mark.parametrize("need", ["none", pytest.param("encrypt", marks=pytest.mark.slow)])
def test_postfix(need: str, server: MailServer, connect: Connect, reactor: RealReactor) -> None:
    receiving = Receiving(f"lmtp:inet:127.0.0.1:{server.port('lmtp')}", certificate(server))
    receiving.chain = server.folder / "chain.pem"
    # the key comes first
    receiving.chain.write_bytes(
        b"".join(each.read_bytes() for each in sorted((server.folder / "tls").glob("*.pem"), reverse=True))
    )
    with receiving as postfix:
        connection = connect(postfix.port, need)
        assert bool(connection.peer.tls) is (need == "encrypt")
        for name, body in BODIES.items():
            given = message(ALICE, BOB, "x@far.test", octets=octets_of(f"postfix-{need}-{name}", body), envid="a b")
            sent = reactor.run_until(connection.send(given))
            assert [each.code for each in sent.results] == [250, 250, 550]
            assert sent.results[0].sent_dsn
            assert connection.idle()
        reactor.run_until(connection.close())
        until(lambda: postfix.log().count("status=sent") >= 2 * len(BODIES), 60)
        log = postfix.log()
    assert "lost connection" not in log
    assert "improper command pipelining" not in log
    for name, body in BODIES.items():
        check_arrived(server, f"postfix-{need}-{name}", body)
