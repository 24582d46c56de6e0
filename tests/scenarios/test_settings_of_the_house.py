"""Settings that no command tells of: what the store writes at once, log files, remembered passwords, connections a
minute: set, and seen from outside the real process."""

import re
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer, until

ALICE, PASSWORD = "alice@example.org", "secret"
A_MINUTE = 150
SETTINGS: dict[str, dict[str, object]] = {
    "login": {"insecure_login_networks": ["127.0.0.0/8"], "remember_seconds": 1, "hash_threads": 1},
    "limits": {"max_connections_per_minute": A_MINUTE},
    "store": {"batch_max_messages": 1},
    "log": {"file": "house.log", "rotate_bytes": 4096, "keep_files": 2},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {name: values for name, values in SETTINGS.items() if name != "log"}
    with MailServer(tmp_path_factory.mktemp("house"), {ALICE: PASSWORD}, settings) as running:
        yield running


def imap(server: MailServer) -> Conversation:
    talk = Conversation(server, "imap")
    talk.until(b"* OK")
    return talk


def seconds_to_log_in(server: MailServer) -> float:
    with imap(server) as talk:
        began = time.perf_counter()
        talk.ask(f"a LOGIN {ALICE} {PASSWORD}".encode(), b"a OK")
        return time.perf_counter() - began


def test_a_password_is_remembered_for_its_time(server: MailServer) -> None:
    hashed = seconds_to_log_in(server)
    assert min(seconds_to_log_in(server) for _ in range(3)) < hashed / 2
    until(lambda: seconds_to_log_in(server) > hashed / 2, 10)


def test_a_commit_holds_no_more_messages_than_it_may(server: MailServer) -> None:
    message = b"Subject: x\r\n\r\nx\r\n"
    with imap(server) as talk:
        talk.ask(f"a LOGIN {ALICE} {PASSWORD}".encode(), b"a OK")
        talk.send(b"x APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message) * 50)
        talk.ask(b"n NOOP", b"n OK")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
        text = answer.read().decode()
    counted = re.findall(r'^mailserverd_commit_messages_(?:bucket\{le="1\.0"\}|count) (\S+)$', text, re.MULTILINE)
    assert len(counted) == 2
    assert float(counted[0]) == float(counted[1]) >= 50


def test_connections_a_minute(server: MailServer) -> None:
    """Last, since nobody comes in for the rest of the minute."""
    taken = 0
    while True:
        with Conversation(server, "smtp") as talk:
            line = talk.line() or b""
        if not line.startswith(b"220 "):
            break
        taken += 1
        assert taken <= 2 * A_MINUTE  # a minute may begin meanwhile
    assert b"421 4.7.0 " in line
    assert b"too many connections a minute from your address" in line


class Logged(MailServer):
    """One that says nothing on its standard output."""

    def _await_ready(self) -> None:
        log = self.data / "house.log"
        until(lambda: log.exists() and " assembly.lifecycle ready" in log.read_text())


def test_log_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"log": {**SETTINGS["log"], "rotate_bytes": 16384}}
    made = Logged(tmp_path_factory.mktemp("logs"), {ALICE: PASSWORD}, settings)
    with made as server:
        for _ in range(500):  # two lines each, of 100 octets
            imap(server).close()
        until(lambda: (made.data / "house.log.2").exists())
    assert {file.name for file in made.data.glob("house.log*")} == {"house.log", "house.log.1", "house.log.2"}


def test_a_copy_that_failed_is_tried_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of two copies the second finds its mailbox too full, and room is made later."""
    accounts = {ALICE: PASSWORD, "bob@example.org": PASSWORD}
    settings = {"delivery": {"retry_seconds": [1]}, "login": SETTINGS["login"]}
    with MailServer(tmp_path_factory.mktemp("again"), accounts, settings) as server:
        server.cli("account", "set", "bob@example.org", "--quota", "1000")
        with Conversation(server, "smtp") as talk:
            talk.until(b"220 ")
            for line, start in (
                (b"EHLO me", b"250 "),
                (b"MAIL FROM:<>", b"250 "),
                (b"RCPT TO:<bob@example.org>", b"250 "),
            ):
                talk.ask(line, start)
            talk.ask(b"RCPT TO:<alice@example.org>", b"250 ")
            talk.ask(b"DATA", b"354 ")
            talk.ask(b"Subject: x\r\n\r\n" + b"y" * 900 + b"\r\n" + b"y" * 900 + b"\r\n.", b"250 ")
        until(lambda: attempts(server) >= 2, 60)
        server.cli("account", "set", "bob@example.org", "--quota", "1000000")
        until(lambda: any("pending copy delivered" in line for line in server.output), 60)


def attempts(server: MailServer) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
        text = answer.read().decode()
    return sum(map(float, re.findall(r'^mailserverd_deliveries_total\{door="pending".*\} (\S+)$', text, re.MULTILINE)))
