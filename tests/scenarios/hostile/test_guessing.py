"""Passwords guessed by the hundred: others log in meanwhile, and nobody learns from the clock who has an account."""

import socket
import statistics
import time
from base64 import b64encode
from collections.abc import Iterator
from threading import Event, Thread, get_ident

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer, until

ROUNDS = 41
OWNER, OTHERS = "anna@example.org", [f"u{n}@example.org" for n in range(5)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"], "throttle_max_milliseconds": 0}}
    accounts = dict.fromkeys((OWNER, USER, *OTHERS), PASSWORD)
    with MailServer(tmp_path_factory.mktemp("guesses"), accounts, settings) as running:
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]


class From(Conversation):
    """A conversation from another address of loopback."""

    def __init__(self, server: MailServer, listener: str, address: str) -> None:
        self.server = server
        self.socket = socket.create_connection(
            ("127.0.0.1", server.port(listener)), timeout=60, source_address=(address, 0)
        )
        self._held = b""
        self.until(b"* OK", b"220 ", b"+OK")


def guess(server: MailServer, address: str, over: Event, refused: set[int]) -> None:
    """One guess after the other, without end; a new connection where one is ended."""
    while not over.is_set():
        with From(server, "imap", address) as talk:
            for n in range(10):
                talk.send(b"g%d LOGIN anna wrong%d\r\n" % (n, n))
                talk.until(b"g%d NO" % n)
                refused.add(get_ident())


def seconds_to_log_in(server: MailServer, name: str, address: str) -> float:
    with From(server, "imap", address) as talk:
        began = time.perf_counter()
        talk.ask(f"a LOGIN {name} {PASSWORD}".encode(), b"a OK")
        return time.perf_counter() - began


def test_a_flood_of_guesses(server: MailServer) -> None:
    """Forty at once from two addresses: the rest of the world waits for two of them, not for forty."""
    over = Event()
    refused: set[int] = set()
    guessers = [Thread(target=guess, args=(server, f"127.0.0.{2 + n % 2}", over, refused)) for n in range(40)]
    with Bystander(server) as bystander:
        for each in guessers:
            each.start()
        until(lambda: len(refused) == len(guessers))  # each has had its first
        first = [seconds_to_log_in(server, name, "127.0.0.9") for name in (OWNER, *OTHERS)]
        again = [seconds_to_log_in(server, name, "127.0.0.10") for name in (OWNER, *OTHERS)]
        over.set()
        for each in guessers:
            each.join()
    assert statistics.median(first) < 1.0
    assert statistics.median(again) < 0.1  # remembered: nothing is hashed
    bystander.was_served()
    bystander.held_octets_below(100 << 20)


@pytest.mark.parametrize("listener", ["imap", "pop3", "submission"])
def test_a_missing_account_takes_as_long_as_a_wrong_password(server: MailServer, listener: str) -> None:
    server.cli("account", "app-password", "add", OWNER, listener)
    taken: dict[str, list[float]] = {"anna": [], "nobody": []}
    for number in range(ROUNDS):
        for name in sorted(taken, reverse=bool(number % 2)):  # by turns, so that the machine's moods strike both
            taken[name].append(seconds_to_be_refused(server, listener, name))
    there, missing = (statistics.median(seconds) for seconds in taken.values())
    told = f"the account takes {there * 1000:.1f} ms, none takes {missing * 1000:.1f} ms"
    assert abs(there - missing) < 0.15 * max(there, missing), told


def seconds_to_be_refused(server: MailServer, listener: str, name: str) -> float:
    ask = {
        "imap": f"a LOGIN {name} wrong",
        "pop3": f"USER {name}\r\nPASS wrong",
        "submission": "EHLO me\r\nAUTH PLAIN " + b64encode(f"\0{name}\0wrong".encode()).decode(),
    }[listener]
    with Conversation(server, listener) as talk:
        talk.until(b"* OK", b"220 ", b"+OK")
        began = time.perf_counter()
        talk.ask(ask.encode(), b"a NO", b"-ERR", b"535 ")
        return time.perf_counter() - began
