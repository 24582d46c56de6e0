"""As many connections as the limit on open files allows, up to 10,000: all logged in, idle, and told of new mail."""

import resource
import select
import smtplib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.memory import rss_anon
from tests.scenarios.server import MailServer

WANTED = 10_000
LOGGED_IN_AT_ONCE = 50
HELD_EACH = 25 * 1024


@pytest.fixture
def connections() -> Iterator[int]:
    """How many; the limit of this process is raised as the server raises its own, which keeps an eighth back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(WANTED, hard * 7 // 8 - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {
        "login": {"insecure_login_networks": ["127.0.0.0/8"]},
        "limits": {"exempt_networks": ["127.0.0.0/8"]},
    }
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD}
    with MailServer(tmp_path_factory.mktemp("many"), accounts, settings) as running:
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]


def read_until(client: socket.socket, end: bytes) -> None:
    octets = b""
    while end not in octets:
        piece = client.recv(4096)
        assert piece, octets
        octets += piece


@pytest.mark.slow
def test_they_all_idle(server: MailServer, connections: int) -> None:
    clients: list[socket.socket] = []
    with Bystander(server) as bystander:
        for n in range(connections):
            address = (f"127.0.1.{n % 200 + 1}", 0)
            clients.append(socket.create_connection(("127.0.0.1", server.port("imap")), 60, address))
        for client in clients:
            read_until(client, b"ready\r\n")
        for start in range(0, connections, LOGGED_IN_AT_ONCE):
            some = clients[start : start + LOGGED_IN_AT_ONCE]
            for client in some:
                client.sendall(f"a LOGIN anna {PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
            for client in some:
                read_until(client, b"+ ")
        held = rss_anon(server.pid) - bystander.before
        assert held < connections * HELD_EACH + (32 << 20), f"{held / connections / 1024:.1f} KiB each"
        began = time.monotonic()
        with smtplib.SMTP("127.0.0.1", server.port("smtp")) as smtp:
            smtp.sendmail("a@b.test", ["anna@example.org"], "Subject: x\r\n\r\nx\r\n")
        told(clients)
        assert time.monotonic() - began < 5
    bystander.was_served(p99_milliseconds=100, most_milliseconds=2_000)
    for client in clients:
        client.close()


def told(clients: list[socket.socket]) -> None:
    waiting = {client.fileno(): client for client in clients}
    poll = select.epoll()
    for descriptor in waiting:
        poll.register(descriptor, select.EPOLLIN)
    while waiting:
        found = poll.poll(30)
        assert found, f"{len(waiting)} are not told"
        for descriptor, _ in found:
            assert b"EXISTS" in waiting[descriptor].recv(4096)
            poll.unregister(descriptor)
            del waiting[descriptor]
    poll.close()
