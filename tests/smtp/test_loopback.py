"""The real thing over sockets: TLS at the start and by STARTTLS, smtplib, and who pushes plaintext into TLS."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Running:
    """ports by listener; delivered() is the next message that went into a mailbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.smtp.loopback_server", str(folder)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self._out = self.process.stdout
        names = ("smtp", "submission", "submissions", "lmtp")
        self.ports = dict(zip(names, map(int, self._out.readline().split()), strict=True))

    def delivered(self) -> bytes:
        assert self._out.readline() == b"delivered\n"
        return (self._folder / "delivered").read_bytes()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = Running(tmp_path_factory.mktemp("smtp"))
    yield server
    server.process.kill()
    server.process.wait()
    assert server.process.stdout is not None
    server.process.stdout.close()


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def raw(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def answers(connection: socket.socket, count: int) -> list[bytes]:
    """So many last lines of replies."""
    got = b""
    while True:
        last = [line for line in got.split(b"\r\n")[:-1] if line[3:4] == b" "]
        if len(last) >= count:
            return last
        more = connection.recv(65536)
        assert more, got
        got += more


def test_the_mx_with_and_without_starttls(running: Running) -> None:
    with smtplib.SMTP("127.0.0.1", running.ports["smtp"], timeout=10) as client:
        client.sendmail("x@example.net", ["anna@example.org"], "Subject: a\r\n\r\n.dot\r\n")
        assert running.delivered().endswith(b"Subject: a\r\n\r\n.dot\r\n")
        client.starttls(context=unverified())
        client.sendmail("x@example.net", ["anna@example.org"], "Subject: b\r\n\r\nb\r\n")
        octets = running.delivered()
    assert b" with ESMTPS\r\n" in octets
    assert b"(using TLSv1.3 with cipher TLS_" in octets


@pytest.mark.parametrize("listener", ["submission", "submissions"])
def test_a_user_submits(running: Running, listener: str) -> None:
    port = running.ports[listener]
    client = (
        smtplib.SMTP_SSL("127.0.0.1", port, timeout=10, context=unverified())
        if listener == "submissions"
        else smtplib.SMTP("127.0.0.1", port, timeout=10)
    )
    with client:
        if listener == "submission":
            with pytest.raises(smtplib.SMTPNotSupportedError):
                client.login("anna", "secret")
            client.starttls(context=unverified())
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN AGFubmEAc2VjcmV0")[0] == 235
        client.sendmail("anna@example.org", ["bob@example.org"], "Subject: c\r\n\r\n" + "x" * 70 + "\r\n" * 20_000)
        octets = running.delivered()
    assert b" with ESMTPSA\r\n" in octets
    assert octets.endswith(b"\r\n" * 20_000)


def test_plaintext_before_the_handshake_is_not_obeyed_after_it(running: Running) -> None:
    with raw(running.ports["smtp"]) as connection:
        connection.sendall(b"EHLO a\r\n")
        answers(connection, 2)
        connection.sendall(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.net>\r\n")
        assert answers(connection, 1)[0].startswith(b"220")
        with unverified().wrap_socket(connection) as secure:
            secure.sendall(b"RCPT TO:<anna@example.org>\r\nNOOP\r\n")
            assert [each[:3] for each in answers(secure, 2)] == [b"503", b"250"]


def test_lmtp_and_a_large_message_in_chunks(running: Running) -> None:
    body = b"Subject: large\r\n\r\n" + (b"y" * 98 + b"\r\n") * 10_000
    with raw(running.ports["lmtp"]) as connection:
        connection.sendall(b"LHLO a\r\nMAIL FROM:<x@example.net>\r\nRCPT TO:<anna@example.org>\r\n")
        connection.sendall(b"BDAT %d LAST\r\n" % len(body) + body + b"QUIT\r\n")
        assert [each[:3] for each in answers(connection, 6)] == [b"220", b"250", b"250", b"250", b"250", b"221"]
        assert connection.recv(10) == b""
    assert running.delivered().endswith(body)


def test_a_client_that_never_reads_holds_nobody_up(running: Running) -> None:
    with raw(running.ports["smtp"]) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            for _ in range(200):
                deaf.sendall(b"HELP\r\n" * 5000)
        with smtplib.SMTP("127.0.0.1", running.ports["smtp"], timeout=10) as client:
            assert client.noop()[0] == 250
