"""From a login to another server's mailbox: the thinnest path, and what happens when the other server says no."""

import imaplib
import json
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones
from tests.scenarios.outbound.peer import Peer, Session
from tests.scenarios.server import MailServer, free_port, until

ANNA, SECRET = "anna@example.org", "secret of anna"
MESSAGE = b"From: anna@example.org\r\nTo: x@a.example\r\nSubject: hello\r\n\r\n.dots\r\nand text\r\n"


class World:
    """Our server, a nameserver, and one other server that is the MX of a.example and b.example."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.peer = Peer("127.0.0.3", port)
        self.zones = Zones(
            "a.example MX 10 mx.a.example", "b.example MX 10 mx.a.example", "mx.a.example A 127.0.0.3",
            "null.example MX 0 .", "dead.example MX 10 mx.dead.example", "mx.dead.example A 127.0.0.9",
        )  # fmt: skip
        self.nameserver = Nameserver(self.zones)
        settings = {
            "dns": {"nameservers": [self.nameserver.address]},
            "outbound": {"remote_port": port, "retry_seconds": [2, 2], "max_age_seconds": 60},
        }
        self.server = MailServer(folder, {ANNA: SECRET}, settings)

    def submit(self, *recipients: str, message: bytes = MESSAGE, options: list[str] | None = None) -> None:
        context = ssl.create_default_context(cafile=str(self.server.folder / "tls/certificate.pem"))
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", self.server.port("submission"), timeout=20) as client:
            client.starttls(context=context)
            client.login(ANNA, SECRET)
            client.sendmail(ANNA, list(recipients), message, rcpt_options=options or [])

    def inbox(self) -> list[bytes]:
        context = ssl.create_default_context(cafile=str(self.server.folder / "tls/certificate.pem"))
        context.check_hostname = False
        with imaplib.IMAP4_SSL("127.0.0.1", self.server.port("imaps"), ssl_context=context, timeout=20) as client:
            client.login(ANNA, SECRET)
            client.select("INBOX", readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            return [client.fetch(each.decode(), "(BODY.PEEK[])")[1][0][1] for each in numbers]

    def queue(self, verb: str = "list", *options: str) -> list[dict[str, object]]:
        """options: "--domain", "a.example"."""
        wanted = dict(zip((each.removeprefix("--") for each in options[::2]), options[1::2], strict=True))
        rows: list[dict[str, object]] = self.server.ask(f"queue {verb}", **wanted)["rows"]
        return rows


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("outbound"))
    with made.nameserver, made.peer, made.server:
        yield made


@pytest.fixture(autouse=True)
def good_again(world: World) -> Iterator[None]:
    yield
    world.peer.answer = lambda verb, argument, session: None


def test_a_message_arrives_byte_for_byte_behind_our_received_line(world: World) -> None:
    world.submit("x@a.example")
    until(lambda: world.peer.taken_by("x@a.example"))
    [taken] = world.peer.taken_by("x@a.example")
    assert taken.sender == ANNA
    assert taken.octets.startswith(b"DKIM-Signature: ")
    assert b"\r\nReceived: from " in taken.octets
    assert b"Return-Path" not in taken.octets
    assert taken.octets.endswith(MESSAGE)
    until(lambda: not world.queue())


def test_a_refused_recipient_bounces_and_the_other_is_delivered(world: World) -> None:
    def answer(verb: str, argument: str, session: Session) -> str | None:
        return "550 5.1.1 nobody of that name" if verb == "RCPT" and "nobody@" in argument else None

    world.peer.answer = answer
    world.submit("nobody@a.example", "other@a.example")
    until(lambda: world.peer.taken_by("other@a.example"))
    until(lambda: any(b"nobody of that name" in each for each in world.inbox()))
    [bounce] = [each for each in world.inbox() if b"nobody of that name" in each]
    assert bounce.startswith(b"Return-Path: <>\r\n")
    assert b"Final-Recipient: rfc822; nobody@a.example\r\n" in bounce
    assert b"Status: 5.1.1\r\n" in bounce
    assert b"other@a.example" not in bounce.partition(b"message/delivery-status")[2].partition(b"rfc822-headers")[0]
    [failed] = world.queue("errors", "--domain", "a.example")
    assert (failed["recipient"], failed["state"]) == ("nobody@a.example", "failed")


def test_a_server_that_says_later_is_asked_again(world: World) -> None:
    world.peer.answer = lambda verb, argument, session: "451 4.3.0 later" if verb == "MAIL" else None
    world.submit("later@a.example")
    until(lambda: any(row["state"] == "deferred" for row in world.queue()))
    [row] = world.queue()
    assert (row["recipient"], row["sender"]) == ("later@a.example", ANNA)
    assert int(str(row["attempts"])) >= 1
    assert "later" in str(row["last_reply"])
    world.peer.answer = lambda verb, argument, session: None
    until(lambda: world.peer.taken_by("later@a.example"))


def test_flush_makes_it_due_at_once(world: World) -> None:
    world.peer.answer = lambda verb, argument, session: "451 4.3.0 later" if verb == "MAIL" else None
    world.submit("flushed@b.example")
    until(lambda: any(row["state"] == "deferred" for row in world.queue("list", "--domain", "b.example")))
    world.server.cli("queue", "hold", "--domain", "b.example")
    assert [row["state"] for row in world.queue("list", "--domain", "b.example")] == ["held"]
    world.peer.answer = lambda verb, argument, session: None
    world.server.cli("queue", "release", "--domain", "b.example")
    world.server.cli("queue", "flush")
    shown = json.loads(world.server.cli("queue", "list", "--json", "--limit", "5").stdout)
    assert isinstance(shown, list)
    until(lambda: world.peer.taken_by("flushed@b.example"))


def test_a_domain_that_takes_no_mail_fails_at_once(world: World) -> None:
    world.submit("x@null.example", "x@nowhere.example")
    until(lambda: len(world.queue("errors", "--domain", "null.example")) == 1)
    until(lambda: len(world.queue("errors", "--domain", "nowhere.example")) == 1)
    [null] = world.queue("errors", "--domain", "null.example")
    assert null["last_status"] == "5.1.10"


def test_no_relay_for_strangers(world: World) -> None:
    with smtplib.SMTP("127.0.0.1", world.server.port("smtp"), timeout=20) as client:
        client.ehlo()
        client.mail("stranger@a.example")
        code, text = client.rcpt("x@a.example")
    assert (code, text[:5]) == (550, b"5.7.1")


def test_what_is_queued_survives_a_kill(world: World) -> None:
    world.peer.answer = lambda verb, argument, session: "451 4.3.0 later" if verb == "MAIL" else None
    for number in range(5):
        world.submit(f"k{number}@a.example")
    world.server.kill()
    world.peer.answer = lambda verb, argument, session: None
    world.server.start()
    until(lambda: all(world.peer.taken_by(f"k{number}@a.example") for number in range(5)))
    assert [len(world.peer.taken_by(f"k{number}@a.example")) for number in range(5)] == [1] * 5
