"""The wall clock is set back and ahead while sessions are open: nothing waits, nothing ends, nothing repeats."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

PASSWORD = "secret"
DAY = 86_400


class Stepped(MailServer):
    program = (sys.executable, "-m", "tests.scenarios.hostile.with_settable_clock")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    clock = tmp_path / "clock"
    clock.write_text("0")
    monkeypatch.setenv("CLOCK_OFFSET", str(clock))
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"], "throttle_base_milliseconds": 1000}}
    with Stepped(tmp_path, {"anna@example.org": PASSWORD}, settings) as running:
        yield running


def step(server: MailServer, seconds: int) -> None:
    (server.folder / "clock").write_text(str(seconds))


def imap(server: MailServer) -> Conversation:
    talk = Conversation(server, "imap")
    talk.until(b"* OK")
    talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
    return talk


def deliver(server: MailServer, subject: bytes) -> None:
    with Conversation(server, "smtp") as talk:
        talk.send(b"EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n")
        talk.until(b"354 ")
        talk.ask(b"Subject: %b\r\n\r\nx\r\n." % subject, b"250 ")


@pytest.mark.parametrize("seconds", [-3600, 400 * DAY])
def test_sessions_timers_and_numbers_go_on(server: MailServer, seconds: int) -> None:
    with (
        imap(server) as idle,
        imap(server) as other,
        Conversation(server, "smtp") as smtp,
        Conversation(server, "imap") as guess,
    ):
        idle.ask(b"a SELECT INBOX", b"a OK")
        idle.ask(b"a IDLE", b"+ ")
        other.ask(b"a CREATE before", b"a OK")
        smtp.until(b"220 ")
        deliver(server, b"before")
        idle.until(b"* 1 EXISTS")
        guess.until(b"* OK")
        guess.send(b"a LOGIN anna wrong\r\n")
        began = time.monotonic()
        while time.monotonic() - began < 0.5:  # its answer is waiting for a timer now
            other.ask(b"a NOOP", b"a OK")
        step(server, seconds)
        deliver(server, b"after")
        idle.until(b"* 2 EXISTS")
        smtp.ask(b"NOOP", b"250 ")
        other.ask(b"a CREATE after", b"a OK")
        guess.until(b"a NO")
        assert 1.0 <= time.monotonic() - began < 5
        other.send(b"a STATUS before (UIDVALIDITY)\r\nb STATUS after (UIDVALIDITY)\r\n")
        before, after = (int(found) for found in re.findall(rb"UIDVALIDITY (\d+)", b"".join(other.until(b"b OK"))))
        assert after > before
        other.ask(b"a SELECT INBOX", b"a OK")
        other.send(b"a FETCH 1:* (UID MODSEQ EMAILID BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
        said = b"\r\n".join(other.until(b"a OK"))
        assert re.findall(rb"UID (\d+)", said) == [b"1", b"2"]
        modseqs = [int(each) for each in re.findall(rb"MODSEQ \((\d+)\)", said)]
        assert modseqs == sorted(set(modseqs))
        assert len(set(re.findall(rb"EMAILID \(([^)]+)\)", said))) == 2
    server.stop()
    server.start()
    with imap(server) as talk:
        assert talk.ask(b"a STATUS INBOX (MESSAGES UIDNEXT)", b"* STATUS").endswith(b"(MESSAGES 2 UIDNEXT 3)")
