"""Sessions of those who may be logged in no longer end at once: a password changed, an account disabled or removed."""

import base64
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

PASSWORD = "correct horse"
ANNA, BEN = "anna@example.org", "ben@example.org"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    with MailServer(tmp_path_factory.mktemp("logins"), {ANNA: PASSWORD, BEN: PASSWORD}, settings) as running:
        yield running


def imap(server: MailServer, user: str, password: str = PASSWORD) -> Conversation:
    talk = Conversation(server, "imap")
    talk.until(b"* OK")
    talk.ask(f'a LOGIN {user} "{password}"'.encode(), b"a OK")
    return talk


def idling(server: MailServer, user: str) -> Conversation:
    talk = imap(server, user)
    talk.ask(b"a SELECT INBOX", b"a OK")
    talk.ask(b"a IDLE", b"+ ")
    return talk


def pop3(server: MailServer, user: str) -> Conversation:
    talk = Conversation(server, "pop3")
    talk.until(b"+OK")
    talk.ask(f"USER {user}".encode(), b"+OK")
    talk.ask(f"PASS {PASSWORD}".encode(), b"+OK")
    return talk


def submission(server: MailServer, user: str) -> Conversation:
    talk = Conversation(server, "submission")
    talk.until(b"220 ")
    talk.ask(b"EHLO me", b"250 ")
    talk.ask(b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PASSWORD}".encode()), b"235 ")
    return talk


@pytest.mark.parametrize("change", ["password", "disable", "remove"])
def test_all_sessions_of_the_account_end_and_no_others(server: MailServer, change: str) -> None:
    ended = [imap(server, ANNA), idling(server, ANNA), pop3(server, ANNA), submission(server, ANNA)]
    others = [imap(server, BEN), pop3(server, BEN), submission(server, BEN)]
    if change == "password":
        server.cli("account", "password", ANNA, "--password-stdin", input="another one")
    elif change == "disable":
        server.cli("account", "set", ANNA, "--disabled")
    else:
        server.cli("account", "remove", ANNA, "--yes")
    words = [talk.rest() for talk in ended]
    assert words[0].startswith(b"* BYE [EXPIRED]")
    assert words[1].startswith(b"* BYE [EXPIRED]")
    assert words[2].startswith(b"-ERR [AUTH]")
    assert words[3].startswith(b"421 4.7.0 ")
    assert [talk.ask(b"NOOP", b"+OK", b"250 ", b"NOOP BAD") for talk in others]
    with Conversation(server, "imap") as talk:
        talk.until(b"* OK")
        talk.ask(f'a LOGIN {ANNA} "{PASSWORD}"'.encode(), b"a NO")
    for talk in (*ended, *others):
        talk.close()


def test_an_app_password_that_is_removed_ends_its_own_sessions_only(server: MailServer) -> None:
    made = server.cli("--json", "account", "app-password", "add", ANNA, "phone").stdout
    secret = made.partition('"password": "')[2].partition('"')[0]
    assert secret
    with imap(server, ANNA, secret) as phone, imap(server, ANNA) as desk:
        server.cli("account", "app-password", "remove", ANNA, "phone")
        assert phone.rest().startswith(b"* BYE [EXPIRED]")
        desk.ask(b"a NOOP", b"a OK")
