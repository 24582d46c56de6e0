"""What was found wrong in twisted.mail's POP3 server, each tried against ours."""

import time
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

USER, PASSWORD = "anna@example.org", "correct horse"
CHUNK = 16_384


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    with MailServer(tmp_path_factory.mktemp("pop3"), {USER: PASSWORD}, settings) as running:
        with Conversation(running, "imap") as talk:
            talk.until(b"* OK")
            talk.ask(b'a LOGIN anna "correct horse"', b"a OK")
            for text in messages():
                talk.ask(b"a APPEND INBOX {%d+}\r\n%b" % (len(text), text), b"a OK")
        yield running


def messages() -> Iterator[bytes]:
    """With a line of a single dot at, before and behind each edge of a chunk; and 60 of 4 KB."""
    for shift in range(-3, 3):
        text = b"Subject: dots\r\n\r\n"
        for edge in (CHUNK, 2 * CHUNK, 4 * CHUNK, 65_536 + CHUNK):
            text += b"x" * (edge + shift - len(text) - 2) + b"\r\n.\r\n.. \r\nMAIL FROM:<a@b.test>\r\n"
        yield text
    for number in range(60):
        yield b"Subject: %d\r\n\r\n" % number + b"a line of text\r\n" * 250


def logged_in(server: MailServer) -> Conversation:
    talk = Conversation(server, "pop3")
    talk.until(b"+OK")
    talk.ask(b"USER anna", b"+OK")
    talk.ask(b"PASS correct horse", b"+OK")
    return talk


def retrieved(talk: Conversation) -> bytes:
    lines = talk.until(b".")
    while lines[-1] != b".":
        lines += talk.until(b".")
    return b"".join((line[1:] if line[:1] == b"." else line) + b"\r\n" for line in lines[1:-1])


@pytest.mark.parametrize("listener", ["pop3"])
def test_pop3_nothing_from_before_stls_is_run_inside_tls(server: MailServer, listener: str) -> None:
    with Conversation(server, listener) as talk:
        talk.until(b"+OK")
        talk.send(b"STLS\r\nUSER mallory\r\nCAPA\r\n")
        talk.until(b"+OK")
        talk.start_tls()
        talk.send(b"PASS x\r\nQUIT\r\n")
        assert talk.line()[:4] == b"-ERR"
        assert talk.line()[:3] == b"+OK"
        assert talk.rest() == b""


def test_pop3_capabilities_are_spelt_right_and_kept(server: MailServer) -> None:
    with Conversation(server, "pop3") as talk:
        talk.until(b"+OK")
        talk.send(b"CAPA\r\n")
        offered = talk.until(b".")
        for name in (b"PIPELINING", b"STLS", b"RESP-CODES", b"AUTH-RESP-CODE", b"UTF8 USER", b"TOP", b"UIDL", b"USER"):
            assert name in offered
        assert any(line.startswith(b"SASL ") and b" PLAIN" in line for line in offered)
        talk.ask(b"AUTH PLAIN AGFubmEAY29ycmVjdCBob3JzZQ==", b"+OK")  # an initial response
        talk.ask(b"STAT", b"+OK 66 ")


def test_pop3_a_pipelined_login_is_answered_in_order(server: MailServer) -> None:
    with Conversation(server, "pop3") as talk:
        talk.send(b"USER anna\r\nPASS correct horse\r\nSTAT\r\nNOOP\r\nQUIT\r\n")
        said = talk.rest().splitlines()
    assert [line[:3] for line in said] == [b"+OK"] * 6
    assert b"66 " in said[3]


@pytest.mark.parametrize("verb", [b"RETR", b"TOP", b"DELE", b"TOP 1", b"RETR x", b"LIST x", b"UIDL 0"])
def test_pop3_a_missing_or_wrong_argument_is_an_error_and_no_more(server: MailServer, verb: bytes) -> None:
    with logged_in(server) as talk:
        talk.ask(verb, b"-ERR")
        talk.ask(b"NOOP", b"+OK")


def test_pop3_dots_are_stuffed_at_every_edge(server: MailServer) -> None:
    with logged_in(server) as talk:
        for number, text in enumerate(messages(), 1):
            if number > 6:
                break
            talk.send(b"RETR %d\r\nNOOP\r\n" % number)
            assert retrieved(talk) == text
            talk.until(b"+OK")


def test_pop3_no_reply_waits_for_a_delayed_ack(server: MailServer) -> None:
    """Nagle's wait of 40 ms a RETR would make 2.4 s of these."""
    with logged_in(server) as talk:
        began = time.monotonic()
        for number in range(7, 67):
            talk.send(b"RETR %d\r\n" % number)
            retrieved(talk)
        assert time.monotonic() - began < 1.2
