"""Lines, literals and messages that never end: an exact error or a dropped connection, and nothing is kept of them."""

import time
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

GIB = 1 << 30
PIECE = b"x" * 65536
FLOOD_SECONDS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD}
    with MailServer(tmp_path_factory.mktemp("endless"), accounts, settings) as running:
        yield running


@pytest.fixture
def bystander(server: MailServer) -> Iterator[Bystander]:
    with Bystander(server) as found:
        yield found
    found.was_served()
    found.held_octets_below(24 << 20)


def greeted(server: MailServer, listener: str) -> Conversation:
    talk = Conversation(server, listener)
    talk.until(b"220 ", b"+OK", b"* OK")
    return talk


def logged_in(server: MailServer) -> Conversation:
    talk = greeted(server, "imap")
    talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
    return talk


def pour(talk: Conversation, octets: int) -> int:
    """Send so many octets, or as many as the server takes before it hangs up."""
    sent, end = 0, time.monotonic() + FLOOD_SECONDS
    try:
        while sent < octets:
            sent += talk.socket.send(PIECE[: octets - sent])
            assert time.monotonic() < end, "the server goes on taking it"
    except OSError:
        pass
    return sent


LONG_LINES = {"smtp": 5_000, "lmtp": 5_000, "submission": 5_000, "imap": 70_000, "pop3": 5_000}
ANSWERS = {"smtp": b"500 ", "lmtp": b"500 ", "submission": b"500 ", "imap": b"xxx", "pop3": b"-ERR line too long"}


@pytest.mark.parametrize("listener", LONG_LINES)
@pytest.mark.parametrize("tls", [False, True])
def test_a_line_that_is_too_long(server: MailServer, listener: str, tls: bool) -> None:
    name = listener + "s" if tls and listener not in ("smtp", "lmtp") else listener
    with greeted(server, name) as talk:
        talk.send(b"x" * LONG_LINES[listener], b"\r\n")
        assert (talk.line() or b"").startswith(ANSWERS[listener])


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("listener", LONG_LINES)
def test_a_line_without_an_end(server: MailServer, listener: str) -> None:
    with greeted(server, listener) as talk:
        assert pour(talk, 100 << 20) < 50 << 20


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize(
    ("listener", "last"),
    [("submissions", b"500 "), ("imaps", b"* BYE Line too long"), ("pop3s", b"-ERR line too long")],
)
def test_a_line_without_an_end_within_tls(server: MailServer, listener: str, last: bytes) -> None:
    """TLS has to be ended by both: what comes after our end is thrown away."""
    with greeted(server, listener) as talk:
        pour(talk, 30 << 20)
        assert talk.rest().startswith(last)


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("command", [b"LOGIN", b"LOGIN anna", b"APPEND INBOX", b"AUTHENTICATE"])
def test_a_gigabyte_before_the_login(server: MailServer, command: bytes) -> None:
    with greeted(server, "imap") as talk:
        talk.ask(b"a %b {%d}" % (command, GIB), b"a BAD", b"a NO")
        talk.ask(b"b NOOP", b"b OK")
        talk.send(b"c %b {%d+}\r\n" % (command, GIB))
        assert pour(talk, GIB) < GIB
        assert talk.rest() in (b"* BYE [TOOBIG] Literal too large\r\n", b"")


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize(
    ("command", "answer"),
    [(b"APPEND INBOX", b"a NO [TOOBIG]"), (b"SEARCH TEXT", b"a BAD"), (b"CREATE", b"a BAD"), (b"ID", b"a BAD")],
)
def test_a_gigabyte_after_the_login(server: MailServer, command: bytes, answer: bytes) -> None:
    with logged_in(server) as talk:
        talk.ask(b"s SELECT INBOX", b"s OK")
        talk.ask(b"a %b {%d}" % (command, GIB), answer)
        talk.ask(b"b NOOP", b"b OK")
        talk.send(b"c %b {%d+}\r\n" % (command, GIB))
        assert pour(talk, GIB) < GIB


@pytest.mark.usefixtures("bystander")
def test_a_message_just_above_the_limit_is_swallowed_and_refused(server: MailServer) -> None:
    with logged_in(server) as talk:
        talk.send(b"a APPEND INBOX {%d+}\r\n" % ((50 << 20) + 1))
        assert pour(talk, (50 << 20) + 1) == (50 << 20) + 1
        talk.ask(b"", b"a NO [TOOBIG]")
        talk.ask(b"b NOOP", b"b OK")


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("start", [b"DATA\r\n", b"BDAT 99999999999\r\n", b"BDAT 99999999999 LAST\r\n"])
def test_a_message_without_an_end(server: MailServer, start: bytes) -> None:
    with greeted(server, "smtp") as talk:
        talk.ask(b"EHLO me", b"250 ")
        talk.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\n", start)
        assert pour(talk, GIB) < GIB
        assert b"552 5.3.4" in talk.rest() or start.startswith(b"BDAT")


@pytest.mark.usefixtures("bystander")
def test_a_chunk_without_a_message(server: MailServer) -> None:
    with greeted(server, "smtp") as talk:
        talk.ask(b"EHLO me", b"250 ")
        talk.send(b"BDAT 5\r\n12345BDAT 0\r\nBDAT 0 LAST\r\nBDAT x\r\nBDAT -1\r\nNOOP\r\n")
        answers = [(talk.line() or b"")[:3] for _ in range(6)]
    assert answers == [b"503"] * 3 + [b"501"] * 2 + [b"250"]
