"""What was found wrong in twisted.mail's SMTP server, each tried against ours: one test a numbered defect.

Standing rule: the number in a test's name is that of the list of defects (SMTP 1 to 5); test_defects.py holds the
list and says that none is missing.
"""

from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

USER, SMALL, PASSWORD = "anna@example.org", "small@example.org", "correct horse"
DOORS = ("smtp", "lmtp", "submission")
TO = b"RCPT TO:<anna@example.org>\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    with MailServer(tmp_path_factory.mktemp("smtp"), dict.fromkeys((USER, SMALL), PASSWORD), settings) as running:
        running.cli("account", "set", SMALL, "--quota", "1000")
        yield running


def greeted(server: MailServer, listener: str = "smtp") -> Conversation:
    talk = Conversation(server, listener)
    talk.until(b"220 ")
    talk.ask(b"LHLO me" if listener == "lmtp" else b"EHLO me", b"250 ")
    return talk


def stored(server: MailServer) -> list[bytes]:
    """All messages of USER."""
    with Conversation(server, "imap") as talk:
        talk.until(b"* OK")
        talk.ask(b'a LOGIN anna "correct horse"', b"a OK")
        talk.ask(b"a SELECT INBOX", b"a OK")
        talk.send(b"a FETCH 1:* (BODY.PEEK[])\r\n")
        return b"\r\n".join(talk.until(b"a ")).split(b" FETCH (")[1:]


@pytest.mark.parametrize("listener", DOORS)
@pytest.mark.parametrize(
    "injected",
    [b"MAIL FROM:<injected@evil.test>\r\n", b"NOOP\r\nNOOP\r\nMAIL FROM:<injected@evil.test>\r\n", b"EHLO x"],
)
def test_smtp_1_nothing_from_before_starttls_is_run_inside_tls(
    server: MailServer, listener: str, injected: bytes
) -> None:
    with greeted(server, listener) as talk:
        talk.send(b"STARTTLS\r\n", injected)
        talk.until(b"220 ")
        talk.start_tls()
        hello = b"LHLO me" if listener == "lmtp" else b"EHLO me"
        talk.send(b"RCPT TO:<anna@example.org>\r\n", hello, b"\r\nDATA\r\n")
        assert talk.line()[:4] == b"503 "  # the first answer inside is that to the first command inside
        talk.until(b"250 ")
        assert talk.line()[:4] == b"503 "  # there is no transaction


@pytest.mark.parametrize("octets", [16_384, 16_385, 100_000, 2_000_000])
def test_smtp_2_a_long_line_in_data_never_becomes_commands(server: MailServer, octets: int) -> None:
    with greeted(server) as talk:
        talk.send(b"MAIL FROM:<a@b.test>\r\n", TO, b"DATA\r\n")
        talk.until(b"354 ")
        subject = b"Subject: long%d\r\n\r\n" % octets
        talk.send(subject, b"x" * octets, b"\r\nMAIL FROM:<injected@evil.test>\r\nRSET\r\n.\r\n", b"NOOP\r\n")
        assert talk.line()[:4] == b"250 "
        assert talk.line()[:4] == b"250 "
        talk.ask(b"QUIT", b"221 ")
        assert talk.rest() == b""
    assert any(
        subject.strip() in mail and b"x\r\nMAIL FROM:<injected@evil.test>\r\n" in mail for mail in stored(server)
    )


@pytest.mark.parametrize("listener", ["smtp", "lmtp"])
def test_smtp_3_pipelined_commands_are_answered_in_order(server: MailServer, listener: str) -> None:
    with greeted(server, listener) as talk:
        once = (
            b"MAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@example.org>\r\n" + TO + b"DATA\r\nSubject: x\r\n\r\ny\r\n.\r\n"
        )
        talk.send(once * 3, b"NOOP\r\nQUIT\r\n")
        codes = [line[:3] for line in talk.until(b"221 ")]
    assert codes == [b"250", b"550", b"250", b"354", b"250"] * 3 + [b"250", b"221"]


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r.\r\n", b"a\nb", b"\0"]
)
def test_smtp_4_bare_line_ends_are_refused_and_smuggle_nothing(server: MailServer, end: bytes) -> None:
    with greeted(server) as talk:
        talk.send(b"MAIL FROM:<a@b.test>\r\n", TO, b"DATA\r\n")
        talk.until(b"354 ")
        talk.send(b"Subject: x\r\n\r\nfirst", end, b"MAIL FROM:<smuggled@evil.test>\r\n", TO, b"DATA\r\n.\r\n")
        assert talk.line()[:4] == b"554 "
        assert talk.ask(b"NOOP", b"2", b"3", b"4", b"5") == talk.ask(b"NOOP", b"250 ")
        talk.ask(b"NOOP \n RSET", b"500 ", b"501 ")
    assert not any(b"smuggled@evil.test" in mail for mail in stored(server))


def test_smtp_5_each_recipient_has_its_own_result(server: MailServer) -> None:
    """One is over quota, the other is not: LMTP says so by recipient, and a full mailbox is no flat 550."""
    message = b"Subject: each\r\n\r\n" + b"text\r\n" * 1000
    with greeted(server, "lmtp") as talk:
        talk.send(b"MAIL FROM:<a@b.test>\r\n", TO, b"RCPT TO:<small@example.org>\r\n", b"DATA\r\n")
        talk.until(b"354 ")
        talk.send(message, b".\r\n")
        assert talk.line()[:10] == b"250 2.0.0 "
        assert talk.line()[:10] in (b"452 4.2.2 ", b"552 5.2.2 ")


def test_what_ehlo_offers_and_refuses(server: MailServer) -> None:
    with Conversation(server, "smtp") as talk:
        talk.until(b"220 ")
        talk.send(b"EHLO me\r\n")
        offered = {line[4:].split()[0] for line in talk.until(b"250 ")[1:]}
        assert offered >= {b"PIPELINING", b"SIZE", b"8BITMIME", b"SMTPUTF8", b"CHUNKING", b"BINARYMIME", b"STARTTLS"}
        assert b"ENHANCEDSTATUSCODES" in offered
        assert b"AUTH" not in offered  # RFC 4954 §4: this is no submission
        talk.ask(b"NOOP", b"250 ")
        talk.ask(b"VRFY anna", b"252 ")
        talk.ask(b"MAIL FROM:<a@b.test> SIZE=99999999999", b"552 ")
        talk.ask(b"MAIL FROM:<a@b.test> BOGUS=1", b"555 ")
        talk.ask("MAIL FROM:<ä@b.test> SMTPUTF8".encode(), b"250 ")
