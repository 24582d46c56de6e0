"""Hundreds of logged-in clients that never read: all together they make the server hold no more than the bound in all,
whoever reads gets his mail meanwhile, and nobody waits."""

import socket
from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation, trusting
from tests.scenarios.hostile.gauges import gauge
from tests.scenarios.hostile.memory import rss_anon
from tests.scenarios.server import MailServer, until

CLIENTS = 400
BOUND = 24 << 20
CONNECTION_OCTETS = 32 << 10  # what each has by itself: its state, and below 16 KiB unsent
SLACK = 64 << 20  # of the allocator, and of pages of stored mail that pass through
SMALL = b"Subject: x\r\n\r\n" + b"y" * 10_000 + b"\r\n"
LARGE = b"Subject: x\r\n\r\n" + (b"y" * 998 + b"\r\n") * 5_000
BOXES = {b"small": (SMALL, 300), b"large": (LARGE, 2)}
QUESTIONS = [
    (b"small", b"z UID FETCH 1:* (BODY.PEEK[])\r\n" * 20),
    (b"small", b"z FETCH 1:* (ENVELOPE BODYSTRUCTURE)\r\n" * 500),
    (b"small", b"z FETCH 1:* (BODY.PEEK[])\r\n" * 20 + b"z NOOP\r\n" * 10_000),
    (b"large", b"z UID FETCH 1:* (BODY.PEEK[])\r\n" * 20),
]


class Small(Conversation):
    """A client with little room for what it gets, so that the server soon has to hold it."""

    def __init__(self, server: MailServer, listener: str) -> None:
        self.server = server
        self.socket = socket.socket()
        self.socket.settimeout(60)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", server.port(listener)))
        self._held = b""
        if listener == "imaps":
            self.socket = trusting(server.folder).wrap_socket(self.socket, server_hostname="localhost")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {
        "login": {"insecure_login_networks": ["127.0.0.0/8"]},
        "limits": {"max_unsent_bytes": BOUND, "exempt_networks": ["127.0.0.0/8"]},
    }
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD}
    with MailServer(tmp_path_factory.mktemp("unread"), accounts, settings) as running:
        with logged_in(Conversation(running, "imap")) as talk:
            for box, (message, count) in BOXES.items():
                talk.ask(b"c CREATE " + box, b"c OK")
                for _ in range(count):
                    talk.send(b"x APPEND %b {%d+}\r\n" % (box, len(message)), message, b"\r\n")
                talk.ask(b"n NOOP", b"n OK")
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]


def logged_in(talk: Conversation) -> Conversation:
    talk.until(b"* OK")
    talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
    return talk


@pytest.mark.parametrize("listener", ["imap", "imaps"])
def test_all_together(server: MailServer, listener: str) -> None:
    count = CLIENTS if listener == "imap" else CLIENTS // 4  # TLS itself takes memory of each
    dropped = gauge(server, "clients_dropped_total")
    talks = [logged_in(Small(server, listener)) for _ in range(count)]
    with Bystander(server) as bystander:
        for talk, (box, question) in zip(talks, cycle(QUESTIONS), strict=False):
            talk.ask(b"s SELECT " + box, b"s OK")
            talk.send(question)
            assert gauge(server, "unsent_bytes") <= BOUND
        until(lambda: gauge(server, "clients_dropped_total") > dropped)
        with logged_in(Conversation(server, listener)) as reader:  # whoever reads is not touched
            reader.ask(b"s SELECT small", b"s OK")
            for _ in range(5):
                assert reader.ask(b"f UID FETCH 1:* (BODY.PEEK[])", b"f ") == b"f OK Fetched"
        assert gauge(server, "unsent_bytes") <= BOUND
        before_the_end = rss_anon(server.pid)
    for talk in talks:
        talk.close()
    until(lambda: gauge(server, "unsent_bytes") == 0)
    bystander.held_octets_below(BOUND + count * CONNECTION_OCTETS + SLACK)
    assert before_the_end - bystander.before < BOUND + count * CONNECTION_OCTETS + SLACK
    bystander.was_served()
