"""Each listener has its own addresses and its own switch; SIGHUP changes what it may and drops nobody."""

import imaplib
import socket
import ssl
from pathlib import Path

import pytest

from mailserverd.assembly.self_signed import write_self_signed
from mailserverd.cli.init import STANDARD_PORTS
from tests.scenarios.server import MailServer, until

ALICE = "alice@example.org"


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("off", [list(STANDARD_PORTS)[::2], list(STANDARD_PORTS)[1::2]])
def test_some_are_off_and_the_others_are_not(tmp_path: Path, off: list[str]) -> None:
    with MailServer(tmp_path, settings={name: {"enabled": False} for name in off}) as server:
        found = {name for name in STANDARD_PORTS if answers("127.0.0.1", server.port(name))}
        assert found == set(STANDARD_PORTS) - set(off)


def test_one_listens_on_several_addresses(tmp_path: Path) -> None:
    server = MailServer(tmp_path)
    port = server.port("imap")
    addresses = [f"127.0.0.1:{port}", f"127.0.0.2:{port}"]
    if socket.has_ipv6 and _has_loopback_6():
        addresses.append(f"[::1]:{port}")
    server.set("imap", addresses=addresses)
    with server:
        for address in addresses:
            host = address.rpartition(":")[0].strip("[]")
            with socket.create_connection((host, port)) as client:
                assert client.makefile("rb").readline().startswith(b"* OK ")
        assert not answers("127.0.0.2", server.port("smtp"))


def _has_loopback_6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def trusting(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.folder / "tls" / "certificate.pem"))


def test_sighup_takes_certificate_domains_and_limits_and_sessions_go_on(tmp_path: Path) -> None:
    with MailServer(tmp_path, accounts={ALICE: "secret"}) as server:
        old = trusting(server)
        session = imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=old)
        session.login(ALICE, "secret")
        session.select()
        for name in ("certificate", "private_key"):
            (tmp_path / "tls" / f"{name}.pem").unlink()
        write_self_signed(tmp_path / "tls/certificate.pem", tmp_path / "tls/private_key.pem", "mail.example.org")
        server.set("imaps", max_connections=1)
        server.set("delivery", subaddress_delimiter="-")
        server.cli("domain", "add", "second.example")
        server.reload()
        until(lambda: any("configuration reloaded" in line for line in server.output))
        with pytest.raises(ssl.SSLCertVerificationError):
            _peer(server, "pop3s", old)
        assert _peer(server, "pop3s", trusting(server)) == b"+OK"
        assert _is_turned_away(server, "imaps")  # one is the limit now, and it is taken: not even a handshake
        assert _rcpt(server, "alice-tag@example.org") == b"250"
        assert _rcpt(server, "alice+tag@example.org") == b"550"
        assert _rcpt(server, "postmaster@second.example") == b"250"
        assert session.noop()[0] == "OK"
        session.logout()


def _peer(server: MailServer, listener: str, context: ssl.SSLContext) -> bytes:
    """The first octets of the greeting."""
    with socket.create_connection(("127.0.0.1", server.port(listener))) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as client:
            return client.recv(3)


def _is_turned_away(server: MailServer, listener: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", server.port(listener)), timeout=10) as client:
            return client.recv(1) == b""
    except ConnectionResetError:
        return True


def _rcpt(server: MailServer, address: str) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port("smtp"))) as client, client.makefile("rwb") as stream:
        stream.readline()
        stream.write(f"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<{address}>\r\n".encode())
        stream.flush()
        return [stream.readline() for _ in range(3)][2][:3]
