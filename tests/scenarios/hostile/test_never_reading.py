"""Clients that ask for much and take nothing: little is held for each, and nobody else waits for them."""

from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer, until

CLIENTS = 50
INBOXES = 20
HELD_EACH = 1 << 20
HELD_BY_ALL = 8 << 20  # what passes through, and what the allocator keeps of it
STALLED_SECONDS = 5
ENDED_SECONDS = 40  # until the last has taken what its socket takes, and then has stalled for that long
SMALL = b"Subject: x\r\n\r\n" + b"y" * 10_000 + b"\r\n"
LARGE = b"Subject: x\r\n\r\n" + (b"y" * 998 + b"\r\n") * 10_000
BOXES = {b"small": (SMALL, 500), b"large": (LARGE, 3)}
QUESTIONS = [
    (b"small", b"z UID FETCH 1:* (BODY.PEEK[])\r\n"),
    (b"small", b"z FETCH 1:* (ENVELOPE BODYSTRUCTURE)\r\n" * 1_000),
    (b"small", b"z FETCH 1:* (BODY.PEEK[])\r\n" + b"z NOOP\r\n" * 25_000),
    (b"large", b"z UID FETCH 1:* (BODY.PEEK[])\r\n" * 50),
    (b"large", b"z FETCH 1 (BODY.PEEK[]<0.9000000>)\r\n" * 50),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {
        "login": {"insecure_login_networks": ["127.0.0.0/8"]},
        "limits": {"stalled_client_seconds": STALLED_SECONDS},
    }
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD, **{f"u{n}@example.org": PASSWORD for n in range(INBOXES)}}
    with MailServer(tmp_path_factory.mktemp("never"), accounts, settings) as running:
        with logged_in(running) as talk:
            for box, (message, count) in BOXES.items():
                talk.ask(b"c CREATE " + box, b"c OK")
                for _ in range(count):
                    talk.send(b"x APPEND %b {%d+}\r\n" % (box, len(message)), message, b"\r\n")
                talk.ask(b"n NOOP", b"n OK")
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]


def logged_in(server: MailServer) -> Conversation:
    talk = Conversation(server, "imap", timeout=60)
    talk.until(b"* OK")
    talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
    return talk


def still_open(server: MailServer, talks: list[Conversation]) -> int:
    """How many of these the server has not ended, by what it says itself."""
    return sum(f":{talk.socket.getsockname()[1]} " in connections(server) for talk in talks)


def connections(server: MailServer) -> str:
    with open(f"/proc/{server.pid}/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return "".join(f":{int(row[2].rpartition(':')[2], 16)} " for row in rows if row[3] == "01")


def test_imap(server: MailServer) -> None:
    with Bystander(server) as bystander:
        talks = [logged_in(server) for _ in range(CLIENTS)]
        for talk, (box, question) in zip(talks, cycle(QUESTIONS), strict=False):
            talk.ask(b"s SELECT " + box, b"s OK")
            talk.send(question)
        until(lambda: still_open(server, talks) == 0, ENDED_SECONDS)
    for talk in talks:
        talk.close()
    bystander.held_octets_below(len(talks) * HELD_EACH + HELD_BY_ALL)
    bystander.was_served()


def test_pop3(server: MailServer) -> None:
    for box, (message, _) in enumerate(BOXES.values()):
        for n in range(INBOXES):
            deliver(server, f"u{n}@example.org", message, 1 if box else 5)
    with Bystander(server) as bystander:
        talks = []
        for n in range(INBOXES):
            talk = Conversation(server, "pop3")
            talk.until(b"+OK")
            talk.ask(b"USER u%d" % n, b"+OK")
            talk.ask(f"PASS {PASSWORD}".encode(), b"+OK")
            talk.send(b"RETR 6\r\nRETR 1\r\n" * 100)
            talks.append(talk)
        until(lambda: still_open(server, talks) == 0, ENDED_SECONDS)
    for talk in talks:
        talk.close()
    bystander.held_octets_below(len(talks) * HELD_EACH + HELD_BY_ALL)
    bystander.was_served()


def deliver(server: MailServer, address: str, message: bytes, copies: int) -> None:
    with Conversation(server, "smtp") as talk:
        talk.until(b"220 ")
        talk.ask(b"EHLO me", b"250 ")
        for _ in range(copies):
            talk.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%b>\r\nDATA\r\n" % address.encode())
            talk.until(b"354 ")
            talk.ask(message + b".", b"250 2.0.0")


def test_smtp(server: MailServer) -> None:
    """Replies of a hundred octets to commands of ten."""
    with Bystander(server) as bystander:
        talks = [Conversation(server, "smtp", timeout=1) for _ in range(20)]
        for talk in talks:
            talk.socket.setblocking(False)
            try:
                for _ in range(1_000):
                    talk.socket.send(b"EHLO me\r\n" * 1_000)
            except (BlockingIOError, ConnectionError):
                pass
        until(lambda: still_open(server, talks) == 0, ENDED_SECONDS)
    for talk in talks:
        talk.close()
    bystander.held_octets_below(len(talks) * HELD_EACH + HELD_BY_ALL)
    bystander.was_served()
