"""Every setting that a client can feel, set to something else than its default, is felt by the real process.

What no client feels (sizes of the store's batches, log files) is tried where it is used.
"""

import re
import time
from collections.abc import Iterator

import pytest

from mailserverd.config.schema import Config
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import ROOT, MailServer

ALICE, PASSWORD = "alice@example.org", "secret"
SETTINGS: dict[str, dict[str, object]] = {
    "smtp": {
        "max_message_bytes": 2000,
        "max_recipients": 2,
        "max_bad_commands": 3,
        "command_timeout_seconds": 2,
        "data_timeout_seconds": 1,
        "max_connections_per_address": 3,
    },
    "lmtp": {"trusted_networks": ["192.0.2.0/24"]},
    "imap": {
        "login_timeout_seconds": 2,
        "idle_keepalive_seconds": 1,
        "max_line_bytes": 8192,
        "max_literal_bytes": 100,
        "max_append_bytes": 1000,
        "max_search_texts": 2,
        "max_bad_commands": 3,
        "max_connections_per_address": 3,
    },
    "pop3": {"max_bad_commands": 3, "max_connections_per_address": 1},
    "tls": {"minimum_version": "1.3"},
    "login": {
        "insecure_login_networks": ["127.0.0.0/8"],
        "throttle_base_milliseconds": 300,
        "throttle_max_milliseconds": 400,
    },
    "mailboxes": {"drafts": "Half/done", "sent": "Gone", "trash": "", "archive": "", "junk": "Spam"},
    "delivery": {"subaddress_delimiter": "-", "max_received_headers": 2},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    made = MailServer(tmp_path_factory.mktemp("settings"), settings=SETTINGS)
    made.add_accounts({ALICE: PASSWORD})
    with made as running:
        yield running


def imap(server: MailServer, login: bool = True) -> Conversation:
    talk = Conversation(server, "imap")
    talk.until(b"* OK")
    if login:
        talk.ask(f"a LOGIN {ALICE} {PASSWORD}".encode(), b"a OK")
    return talk


def smtp(server: MailServer) -> Conversation:
    talk = Conversation(server, "smtp")
    talk.until(b"220 ")
    talk.ask(b"EHLO me", b"250 ")
    return talk


def test_smtp(server: MailServer) -> None:
    with smtp(server) as talk:
        talk.send(b"EHLO me\r\n")
        offered = b"\n".join(talk.until(b"250 "))
        assert b"SIZE 2000\n" in offered
        assert b"LIMITS RCPTMAX=2\n" in offered
        talk.ask(b"MAIL FROM:<x@example.net> SIZE=2001", b"552 5.3.4")
        talk.ask(b"MAIL FROM:<x@example.net>", b"250 ")
        talk.ask(b"RCPT TO:<alice+tag@example.org>", b"550 ")
        for _ in range(2):
            talk.ask(b"RCPT TO:<alice-tag@example.org>", b"250 ")
        talk.ask(b"RCPT TO:<alice-tag@example.org>", b"452 4.5.3")
        talk.ask(b"DATA", b"354 ")
        talk.ask(b"Received: x\r\n" * 2 + b"\r\n.", b"554 5.4.6")
        for _ in range(3):
            talk.ask(b"XX", b"500 ")
        assert talk.rest().startswith(b"421 4.7.0")


def test_times_of_smtp(server: MailServer) -> None:
    with smtp(server) as talk:
        began = time.monotonic()
        assert talk.rest().startswith(b"421 4.4.2")
        assert 1.5 < time.monotonic() - began < 8
    with smtp(server) as talk:
        for command in (b"MAIL FROM:<x@example.net>", b"RCPT TO:<alice@example.org>"):
            talk.ask(command, b"250 ")
        talk.ask(b"DATA", b"354 ")
        began = time.monotonic()
        assert talk.rest().startswith(b"421 4.4.2")
        assert 0.5 < time.monotonic() - began < 8


def test_lmtp(server: MailServer) -> None:
    with Conversation(server, "lmtp") as talk:
        assert talk.rest().startswith(b"554 5.7.1")


def test_imap(server: MailServer) -> None:
    with imap(server) as talk:
        assert b"APPENDLIMIT=1000" in talk.ask(b"b CAPABILITY", b"* CAPABILITY")
        talk.until(b"b OK")
        talk.ask(b"b NOOP " + b"x" * 8192, b"b BAD [TOOBIG]")
        talk.ask(b"b CREATE {101}", b"b BAD [TOOBIG]")
        talk.ask(b"b APPEND INBOX {1001}", b"b NO [TOOBIG]")
        talk.ask(b"b EXAMINE INBOX", b"* FLAGS")
        talk.until(b"b OK")
        talk.ask(b"b SEARCH TEXT a BODY b NOT TEXT c", b"b NO [LIMIT] A search may have 2 BODY and TEXT keys")
        talk.ask(b"b CLOSE", b"b OK")
        talk.send(b'b LIST (SPECIAL-USE) "" *\r\n')
        listed = {line.decode().partition(' "/" ')[::2] for line in talk.until(b"b OK")[:-1]}
        names = {name: re.findall(r"\\(Drafts|Sent|Junk|Trash|Archive)", flags) for flags, name in listed}
        assert names == {"Half/done": ["Drafts"], "Gone": ["Sent"], "Spam": ["Junk"]}
        talk.ask(b"b IDLE", b"+ ")
        assert talk.line() == b"* OK Still here"
        talk.ask(b"DONE", b"b OK")
        for _ in range(3):
            talk.ask(b"b XX", b"b BAD")
        assert talk.rest().startswith(b"* BYE Too many")


def test_time_to_log_in(server: MailServer) -> None:
    with imap(server, login=False) as talk:
        assert talk.rest() == b"* BYE Login took too long\r\n"


@pytest.mark.parametrize(
    ("listener", "most", "refusal"), [("smtp", 3, b"421"), ("imap", 3, b"* BYE"), ("pop3", 1, b"-ERR")]
)
def test_connections_of_one_address(server: MailServer, listener: str, most: int, refusal: bytes) -> None:
    held = [Conversation(server, listener) for _ in range(most)]
    for talk in held:
        assert talk.line() is not None
    with Conversation(server, listener) as one_more:
        assert one_more.rest().startswith(refusal)
    for talk in held:
        talk.close()


def test_pop3(server: MailServer) -> None:
    with Conversation(server, "pop3") as talk:
        talk.until(b"+OK")
        for _ in range(3):
            talk.ask(b"XX", b"-ERR unknown")
        assert talk.rest().startswith(b"-ERR ")


def test_failed_logins_are_late(server: MailServer) -> None:
    with imap(server, login=False) as talk:
        for _ in range(3):
            began = time.monotonic()
            talk.ask(f"a LOGIN {ALICE} wrong".encode(), b"a NO [AUTHENTICATIONFAILED]")
            assert 0.3 <= time.monotonic() - began < 2


def test_tls(server: MailServer) -> None:
    with Conversation(server, "imaps") as talk:
        assert talk.socket.version() == "TLSv1.3"  # type: ignore[attr-defined]


def test_every_key_is_read_by_somebody() -> None:
    source = "".join(path.read_text() for path in (ROOT / "mailserverd").rglob("*.py") if path.parent.name != "config")
    for section, field in Config.model_fields.items():
        for key in field.annotation.model_fields:  # type: ignore[union-attr]
            assert re.search(rf"\.{key}\b|\"{key}\"", source), f"{section}.{key}"
