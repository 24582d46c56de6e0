"""The real process: verbs while it runs and while it is down, logins over every mechanism, POP3 with a real client."""

import base64
import hashlib
import json
import poplib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.accounts.doubles import ScramClient
from tests.scenarios.server import MailServer

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    made = MailServer(tmp_path_factory.mktemp("accounts"), settings={"pop3": {"apop": True}})
    added = made.cli("account", "add", "anna@example.org", "--password-stdin", "--json", input=PASSWORD + "\n")
    assert json.loads(added.stdout)["address"] == "anna@example.org"  # while it is down
    with made as running:
        yield running


def ask(server: MailServer, *arguments: str, input: str | None = None) -> Any:
    done = server.cli(*arguments, "--json", input=input)
    assert done.stderr == ""
    return json.loads(done.stdout)


def context(server: MailServer) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(server.folder / "tls/certificate.pem"))
    made.check_hostname = False
    return made


def pop(server: MailServer) -> poplib.POP3_SSL:
    return poplib.POP3_SSL("127.0.0.1", server.port("pop3s"), context=context(server), timeout=20)


def entered(server: MailServer, user: str, password: str) -> bool:
    client = pop(server)
    try:
        client.user(user)
        client.pass_(password)
    except poplib.error_proto:
        return False
    else:
        return True
    finally:
        client.quit()


def deliver(server: MailServer, octets: bytes, to: str) -> None:
    with smtplib.LMTP("127.0.0.1", server.port("lmtp")) as client:
        client.sendmail("x@elsewhere.example", [to], octets)


def test_verbs_on_the_running_server_hold_at_once(server: MailServer) -> None:
    ask(server, "account", "add", "bob@example.org", "--password-stdin", input="first\n")
    assert entered(server, "bob", "first")
    ask(server, "account", "password", "bob@example.org", "--password-stdin", input="second\n")
    assert not entered(server, "bob", "first")
    assert entered(server, "bob@EXAMPLE.org", "second")
    made = ask(server, "account", "app-password", "add", "bob@example.org", "phone")
    assert entered(server, "bob", made["password"])
    ask(server, "account", "app-password", "remove", "bob@example.org", "phone")
    assert not entered(server, "bob", made["password"])
    ask(server, "account", "set", "bob@example.org", "--disabled")
    assert not entered(server, "bob", "second")
    ask(server, "account", "remove", "bob@example.org")
    assert [each["address"] for each in ask(server, "account", "list")] == ["anna@example.org"]


def test_the_lock_keeps_others_from_the_store(server: MailServer) -> None:
    assert oct((server.data / "admin.sock").stat().st_mode & 0o777) == "0o600"
    (server.data / "admin.sock").rename(server.data / "elsewhere.sock")
    try:
        refused = server.cli("account", "list", check=False)
    finally:
        (server.data / "elsewhere.sock").rename(server.data / "admin.sock")
    assert refused.returncode == 1
    assert "in use by process" in refused.stderr


def test_directory_survives_a_round_trip(server: MailServer, tmp_path: Path) -> None:
    file = str(tmp_path / "directory.toml")
    ask(server, "directory", "export", file)
    assert ask(server, "directory", "apply", file) == {"changes": [], "applied": True}


def test_every_octet_by_pop3(server: MailServer) -> None:
    octets = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n" + b"x" * 990 + b"\r\n" + b".y\r\n" * 200_000
    deliver(server, octets, "anna+tag@example.org")
    client = pop(server)
    client.user("anna")
    client.pass_(PASSWORD)
    count, _ = client.stat()
    taken = b"".join(line + b"\r\n" for line in client.retr(count)[1])
    assert taken.endswith(octets)
    assert int(client.list(count).split()[2]) == len(taken)
    uid = client.uidl(count)
    client.quit()
    client = pop(server)
    client.user("anna")
    client.pass_(PASSWORD)
    assert client.uidl(count) == uid
    second = pop(server)
    second.user("anna")
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        second.pass_(PASSWORD)
    client.dele(count)
    client.quit()
    second.user("anna")
    second.pass_(PASSWORD)
    assert second.stat()[0] == count - 1
    second.quit()


def test_apop_with_a_secret_of_its_own(server: MailServer) -> None:
    ask(server, "account", "apop-secret", "anna@example.org", "--password-stdin", input="tanstaaf\n")
    client = pop(server)
    client.apop("anna@example.org", "tanstaaf")
    client.quit()
    ask(server, "account", "apop-secret", "anna@example.org", "--remove")
    client = pop(server)
    with pytest.raises(poplib.error_proto):
        client.apop("anna@example.org", "tanstaaf")
    client.close()


class Lines:
    """A POP3 client that sends and takes lines."""

    def __init__(self, server: MailServer) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", server.port("pop3")), 20)
        self.stream = self.socket.makefile("rwb")
        assert self.line().startswith(b"+OK")

    def line(self) -> bytes:
        return self.stream.readline()

    def say(self, line: bytes) -> bytes:
        self.stream.write(line + b"\r\n")
        self.stream.flush()
        return self.line()

    def over_tls(self, made: ssl.SSLContext) -> ssl.SSLSocket:
        self.stream.close()
        self.socket = secured = made.wrap_socket(self.socket)
        self.stream = secured.makefile("rwb")
        return secured

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


def test_no_login_before_stls(server: MailServer) -> None:
    client = Lines(server)
    assert client.say(b"USER anna").startswith(b"-ERR [AUTH]")
    client.close()


def test_octets_before_the_handshake_do_not_reach_the_session(server: MailServer) -> None:
    """RFC 2595 §4; a defect of twisted.mail."""
    client = Lines(server)
    assert client.say(b"STLS\r\nUSER injected").startswith(b"+OK")
    client.over_tls(context(server))
    assert client.say(b"PASS x") == b"-ERR send USER first\r\n"
    client.close()


def test_scram_plus_is_bound_to_the_connection(server: MailServer) -> None:
    """tls-server-end-point (RFC 5929), for Python's ssl has no exporter."""
    client = Lines(server)
    client.say(b"STLS")
    secured = client.over_tls(context(server))
    der = secured.getpeercert(binary_form=True)
    assert der is not None
    own = x509.load_der_x509_certificate(der)
    assert isinstance(own.signature_hash_algorithm, hashes.SHA256)
    for bound, answer in ((b"another end", b"-ERR [AUTH]"), (hashlib.sha256(der).digest(), b"+ ")):
        scram = ScramClient("anna", PASSWORD, b"p=tls-server-end-point,,", bound)
        first = client.say(b"AUTH SCRAM-SHA-256-PLUS " + base64.b64encode(scram.first()))
        final = client.say(base64.b64encode(scram.final(base64.b64decode(first[2:]))))
        assert final.startswith(answer)
    assert base64.b64decode(final[2:]) == scram.verifier
    assert client.say(b"").startswith(b"+OK")
    client.close()
