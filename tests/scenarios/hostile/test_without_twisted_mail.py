"""The whole server while every stock method of twisted.mail's servers raises: no octet ever reaches them."""

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.mail import imap4, pop3, smtp

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.hostile.without_twisted_mail import REACHED
from tests.scenarios.server import MailServer

USER, PASSWORD = "anna@example.org", "correct horse"
PLAIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())
WRONG = base64.b64encode(f"\0{USER}\0wrong".encode())
MESSAGE = b"Subject: x\r\n\r\n..dot\r\n"


class Disarmed(MailServer):
    program = (sys.executable, "-m", "tests.scenarios.hostile.without_twisted_mail")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {
        "limits": {"max_connections_per_address": 5},
        "login": {"throttle_base_milliseconds": 1},
    }
    with Disarmed(tmp_path_factory.mktemp("disarmed"), {USER: PASSWORD}, settings) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_reached(server: MailServer) -> Iterator[None]:
    yield
    said = "".join(server.output)
    assert REACHED not in said
    assert "Traceback" not in said


def send_mail(talk: Conversation, sender: bytes = b"a@b.test") -> None:
    """Everything that may follow the greeting, right and wrong."""
    for line, answer in (
        (b"NOOP", b"250"),
        (b"HELP", b"214"),
        (b"VRFY anna", b"252"),
        (b"NONSENSE", b"500"),
        (b"MAIL", b"501"),
        (b"DATA", b"503"),
        (b"x" * 5000, b"500"),
        (b"\xff\xfe", b"500"),
        (b"MAIL FROM:<%b>" % sender, b"250"),
        (b"RCPT TO:<nobody@example.org>", b"550"),
        (b"RCPT TO:<anna@example.org>", b"250"),
        (b"DATA", b"354"),
        (MESSAGE + b".", b"250"),
        (b"MAIL FROM:<%b>" % sender, b"250"),
        (b"RCPT TO:<anna@example.org>", b"250"),
        (b"BDAT %d LAST\r\n%b" % (len(MESSAGE), MESSAGE[:-2]), b"250"),
        (b"MAIL FROM:<%b>" % sender, b"250"),
        (b"RSET", b"250"),
    ):
        talk.ask(line, answer + b" ")


@pytest.mark.parametrize("listener", ["smtp", "lmtp", "submission", "submissions"])
def test_smtp_of_every_kind(server: MailServer, listener: str) -> None:
    hello = b"LHLO me" if listener == "lmtp" else b"EHLO me"
    with Conversation(server, listener) as talk:
        talk.until(b"220 ")
        talk.ask(hello, b"250 ")
        if listener in ("smtp", "submission"):
            talk.ask(b"STARTTLS", b"220 ")
            talk.start_tls()
            talk.ask(hello, b"250 ")
        if listener.startswith("submission"):
            talk.ask(b"AUTH BOGUS", b"504 ")
            talk.ask(b"AUTH PLAIN *", b"501 ")
            talk.ask(b"AUTH PLAIN", b"334 ")
            talk.ask(b"*", b"501 ")
            talk.ask(b"AUTH PLAIN " + WRONG, b"535 ")
            talk.ask(b"AUTH PLAIN", b"334 ")
            talk.ask(PLAIN, b"235 ")
        send_mail(talk, USER.encode() if listener.startswith("submission") else b"a@b.test")
        talk.ask(b"QUIT", b"221 ")
        assert talk.rest() == b""


def test_smtp_that_ends_badly(server: MailServer) -> None:
    with Conversation(server, "smtp") as talk:
        talk.send(b"EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\nhalf a mess")
        talk.until(b"354")
    with Conversation(server, "smtp") as talk:
        talk.send(b"NONSENSE\r\n" * 30)
        assert b"421 " in talk.rest()


@pytest.mark.parametrize("listener", ["imap", "imaps"])
def test_imap(server: MailServer, listener: str) -> None:
    with Conversation(server, listener) as talk:
        talk.until(b"* OK")
        if listener == "imap":
            talk.ask(b"a LOGIN anna x", b"a NO")
            talk.ask(b"a STARTTLS", b"a OK")
            talk.start_tls()
        for line, answer in (
            (b"a CAPABILITY", b"a OK"),
            (b"a SELECT INBOX", b"a BAD"),
            (b"a AUTHENTICATE BOGUS", b"a NO"),
            (b"a AUTHENTICATE PLAIN " + WRONG, b"a NO"),
            (b"a LOGIN {4+}\r\nanna {13+}\r\ncorrect horse", b"a OK"),
            (b"a NONSENSE", b"a BAD"),
            (b"nothing", b"nothing BAD"),
            (b"", b"* BAD"),
            (b"a SELECT nowhere", b"a NO"),
            (b"a APPEND INBOX {3}", b"+ "),
            (b"abc", b"a OK"),
            (b"a APPEND nowhere {3+}\r\nabc", b"a NO [TRYCREATE]"),
            (b"a APPEND INBOX {99999999999}", b"a NO"),
            (b"a SELECT INBOX", b"a OK"),
            (b"a FETCH 1:* (FLAGS ENVELOPE BODY[])", b"a OK"),
            (b"a FETCH 1 NONSENSE", b"a BAD"),
            (b"a FETCH 1 (" + b"(" * 5000, b"a BAD"),
            (b"a SEARCH SUBJECT {1}", b"+ "),
            (b"x", b"a OK"),
            (b"a STORE 1 +FLAGS (\\Deleted)", b"a OK"),
            (b"a UID COPY 1:* Trash", b"a OK"),
            (b"a IDLE", b"+ "),
            (b"DONE", b"a OK"),
            (b"a IDLE", b"+ "),
            (b"NOTDONE", b"a BAD"),
            (b"a EXPUNGE", b"a OK"),
            (b"a CLOSE", b"a OK"),
            (b"x" * 200_000, b"xxx"),
            (b"a LOGOUT", b"a OK"),
        ):
            talk.ask(line, answer)
        assert talk.rest() == b""


@pytest.mark.parametrize("listener", ["pop3", "pop3s"])
def test_pop3(server: MailServer, listener: str) -> None:
    with Conversation(server, listener) as talk:
        talk.until(b"+OK")
        if listener == "pop3":
            talk.ask(b"USER anna", b"-ERR")
            talk.ask(b"STLS", b"+OK")
            talk.start_tls()
        for line, answer in (
            (b"CAPA", b"."),
            (b"RETR", b"-ERR"),
            (b"AUTH BOGUS", b"-ERR"),
            (b"AUTH PLAIN", b"+ "),
            (b"*", b"-ERR"),
            (b"AUTH PLAIN " + WRONG, b"-ERR"),
            (b"USER anna\r\nPASS wrong\r\nUSER anna\r\nPASS correct horse\r\nSTAT", b"+OK Send"),
            (b"NOOP", b"-ERR"),
        ):
            talk.ask(line, answer)
        talk.until(b"+OK Send")
        talk.until(b"+OK")  # PASS
        for line, answer in ((b"RETR", b"-ERR"), (b"RETR 99", b"-ERR"), (b"LIST", b"."), (b"UIDL", b".")):
            talk.ask(line, answer)
        talk.ask(b"TOP 1 0", b".", b"-ERR")
        talk.ask(b"QUIT", b"+OK Bye", b"+OK bye")
        assert talk.rest() == b""


def test_more_connections_than_are_allowed(server: MailServer) -> None:
    for listener in ("smtp", "imap", "pop3"):
        talks = [Conversation(server, listener) for _ in range(6)]
        assert any((talk.line() or b"").startswith((b"421 ", b"* BYE", b"-ERR")) for talk in talks)
        for talk in talks:
            talk.close()


def test_the_test_tells_what_is_reached(tmp_path: Path) -> None:
    """Of each server the methods that would take octets are among those that raise, unless they are ours."""
    from tests.scenarios.hostile.without_twisted_mail import STOCK

    for cls, names in (
        (smtp.SMTP, ("lineReceived", "state_COMMAND", "dataLineReceived", "lookupMethod")),
        (imap4.IMAP4Server, ("lineReceived", "rawDataReceived", "dispatchCommand", "lookupCommand", "do_FETCH")),
        (pop3.POP3, ("lineReceived", "processCommand", "do_RETR", "state_COMMAND")),
    ):
        assert cls in STOCK
        assert all(name in vars(cls) for name in names)
