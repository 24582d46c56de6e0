"""The real process killed, and stopped, at random points under mixed load by all doors: what it said holds."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.crash.mixed_load import MAILBOXES, PASSWORD, USER, Load
from tests.scenarios.crash.reading import everything
from tests.scenarios.crash.told import Ledger
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

SETTINGS = {
    "limits": {"exempt_networks": ["127.0.0.0/8"]},
    "login": {"insecure_login_networks": ["127.0.0.0/8"]},
}
STOPS_WITHIN_SECONDS = 8.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    made = MailServer(tmp_path, {USER: PASSWORD}, SETTINGS)
    with made:
        with Conversation(made, "imap") as talk:
            talk.until(b"* OK")
            talk.ask(f"a LOGIN {USER} {PASSWORD}".encode(), b"a OK")
            for name in MAILBOXES:
                talk.ask(b"a CREATE " + name.encode(), b"a OK")
        yield made


def examine(server: MailServer, ledger: Ledger) -> None:
    ledger.compare(everything(server, USER, PASSWORD))
    report = json.loads(server.cli("--json", "store", "check").stdout)
    assert report["findings"] == [], report


def kills(server: MailServer, count: int) -> Ledger:
    source, ledger = random.Random(20_26), Ledger()
    for number in range(1, count + 1):
        load = Load(server, ledger, number)
        load.begin()
        load.over.wait(source.uniform(0.2, 1.0))
        server.kill()
        load.end()
        server.start()
        examine(server, ledger)
    return ledger


def test_kill_9_under_load(server: MailServer) -> None:
    assert kills(server, 5).acknowledged > 200


@pytest.mark.slow
def test_kill_9_a_hundred_times(server: MailServer) -> None:
    assert kills(server, 100).acknowledged > 4_000


def test_sigterm_under_load(server: MailServer) -> None:
    """Everybody is told, nothing is lost, and it does not take long."""
    ledger = Ledger()
    for number in (1, 2):
        idle = Conversation(server, "imap")
        idle.until(b"* OK")
        load = Load(server, ledger, number)
        load.begin()
        load.over.wait(1.0)
        began = time.monotonic()
        assert server.stop() == -15
        assert time.monotonic() - began < STOPS_WITHIN_SECONDS
        with idle:
            assert idle.rest().startswith(b"* BYE ")
        load.end()
        server.start()
        examine(server, ledger)
    assert ledger.acknowledged > 100
