"""Commands by the thousand in one write, sets and keys without number: answered or refused, and nobody else waits."""

import contextlib
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

MESSAGES = 3_200
MESSAGE = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: hello\r\n\r\n" + b"x" * 500 + b"\r\n"
EVERY_OTHER = b",".join(b"%d" % n for n in range(1, MESSAGES, 2))
IMAP_FLOODS = {
    "commands": b"n NOOP\r\n" * 10_000,
    "fetches": b"n FETCH 1 (ENVELOPE BODYSTRUCTURE)\r\n" * 10_000,
    "selects": b"n SELECT INBOX\r\n" * 2_000,
    "statuses": b"n STATUS INBOX (MESSAGES UNSEEN SIZE)\r\n" * 3_000,
    "lists": b'n LIST "" *\r\n' * 3_000,
    "keys that hold for all": b"n SEARCH " + b" ".join([b"UNSEEN"] * 999) + b"\r\n",
    "ORs in ORs": b"n SEARCH " + b"OR SEEN " * 49 + b"UNSEEN\r\n",
    "ORs beside ORs": b"n SEARCH " + b" ".join([b"OR UNSEEN SEEN"] * 300) + b"\r\n",
    "10,000 keys": b"n SEARCH " + b" ".join([b"ALL"] * 10_000) + b"\r\n",
    "10,000 parentheses": b"n SEARCH " + b"(" * 10_000 + b"ALL" + b")" * 10_000 + b"\r\n",
    "10,000 NOTs": b"n SEARCH " + b"NOT " * 10_000 + b"ALL\r\n",
    "a hundred texts": b"n SEARCH "
    + b" ".join([b"NOT SUBJECT n%d NOT TEXT n%d" % (n, n) for n in range(50)])
    + b"\r\n",
    "a set of every other": b"n SEARCH " + EVERY_OTHER + b"\r\nn FETCH " + EVERY_OTHER + b" FLAGS\r\n",
    "a set of everything 15,000 times": b"n FETCH " + b",".join([b"1:*"] * 15_000) + b" FLAGS\r\n",
    "5,000 items": b"n FETCH 1:20 (" + b" ".join([b"BODY.PEEK[]"] * 5_000) + b")\r\n",
    "9,000 field names": b"n FETCH 1:50 BODY.PEEK[HEADER.FIELDS ("
    + b" ".join([b"X-%d" % n for n in range(7_000)])
    + b")]\r\n",
    "20,000 parts in parts": b"n FETCH 1:* BODY.PEEK[" + b".".join([b"1"] * 20_000) + b"]\r\n",
    "stars": b'n LIST "" "' + b"*%" * 20_000 + b'x"\r\n',
    "5,000 keywords": b"n STORE 1:* +FLAGS (" + b" ".join([b"k%d" % n for n in range(5_000)]) + b")\r\n",
    "mailboxes": b"".join([b"n CREATE a/b%d\r\n" % n for n in range(300)]),
    "literals": (b"n SEARCH" + b" TEXT {9+}\r\nnot there" * 90 + b"\r\n"),
}
SMTP_FLOODS = {
    "commands": b"NOOP\r\n" * 10_000,
    "transactions": b"MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\nRSET\r\n" * 3_000,
    "recipients": b"MAIL FROM:<a@b.test>\r\n" + b"RCPT TO:<anna@example.org>\r\n" * 5_000,
}
POP3_FLOODS = {
    "commands": b"NOOP\r\n" * 10_000,
    "lists": b"LIST\r\nUIDL\r\n" * 30,
    "messages": b"".join([b"RETR %d\r\nTOP %d 1\r\n" % (n, n) for n in range(1, MESSAGES)]),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD}
    with MailServer(tmp_path_factory.mktemp("floods"), accounts, settings) as running:
        with logged_in(running) as talk:
            talk.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(MESSAGE), MESSAGE) * 100)
            for _ in range(5):
                talk.ask(b"z COPY 1:* INBOX", b"z OK")
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]


@pytest.fixture
def bystander(server: MailServer) -> Iterator[Bystander]:
    with Bystander(server) as found:
        yield found
    found.was_served()
    found.held_octets_below(24 << 20)


def logged_in(server: MailServer) -> Conversation:
    talk = Conversation(server, "imap", timeout=60)
    talk.until(b"* OK")
    talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
    talk.ask(b"a SELECT INBOX", b"a OK")
    return talk


def flood(talk: Conversation, octets: bytes, *ends: bytes) -> None:
    """Everything is written while the answers are read, as they come."""
    writer = Thread(target=pour, args=(talk, octets))
    writer.start()
    talk.until(*ends)
    writer.join()


def pour(talk: Conversation, octets: bytes) -> None:
    with contextlib.suppress(OSError):  # the server may have ended it
        talk.send(octets)


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("name", IMAP_FLOODS)
def test_imap(server: MailServer, name: str) -> None:
    with logged_in(server) as talk:
        flood(talk, IMAP_FLOODS[name] + b"z NOOP\r\n", b"z OK")


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("name", SMTP_FLOODS)
def test_smtp(server: MailServer, name: str) -> None:
    with Conversation(server, "smtp", timeout=60) as talk:
        flood(talk, b"EHLO me\r\n" + SMTP_FLOODS[name] + b"QUIT\r\n", b"221 ", b"421 4.7.0 ")


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("name", POP3_FLOODS)
def test_pop3(server: MailServer, name: str) -> None:
    with Conversation(server, "pop3", timeout=60) as talk:
        flood(talk, f"USER anna\r\nPASS {PASSWORD}\r\n".encode() + POP3_FLOODS[name] + b"QUIT\r\n", b"+OK Bye")


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("listener", ["imap", "smtp", "pop3"])
def test_nothing_but_errors(server: MailServer, listener: str) -> None:
    """Twenty in a row end the session."""
    with Conversation(server, listener) as talk:
        writer = Thread(target=pour, args=(talk, b"n XYZZY\r\n" * 5_000))
        writer.start()
        assert talk.rest().count(b"\r\n") < 30
        writer.join()
