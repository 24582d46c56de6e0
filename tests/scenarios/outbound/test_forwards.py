"""An alias that leads to another server: what goes there is sealed and comes from an address of ours, and what cannot
be delivered there goes back to who wrote it."""

import smtplib
from collections.abc import Iterator

import dkim
import pytest

from tests.scenarios.outbound.peer import Session
from tests.scenarios.outbound.test_mail_leaves import World
from tests.scenarios.outbound.test_signed import rows
from tests.scenarios.server import until

STRANGER = "Stranger@b.example"
MESSAGE = (
    b"From: Stranger <stranger@b.example>\r\nTo: away@example.org\r\nSubject: hello\r\n"
    b"Message-ID: <1@b.example>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\ntext\r\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("forwards"))
    with made.nameserver, made.peer, made.server:
        made.server.cli("alias", "add", "away@example.org", "friend@a.example", "anna@example.org")
        yield made


def deliver(world: World, sender: str, recipient: str, message: bytes = MESSAGE) -> None:
    with smtplib.SMTP("127.0.0.1", world.server.port("smtp"), timeout=20) as client:
        client.sendmail(sender, [recipient], message)


def test_a_forward_is_sealed_and_not_signed(world: World) -> None:
    before = len(world.inbox())
    deliver(world, STRANGER, "away@example.org")
    until(lambda: world.peer.taken_by("friend@a.example"))
    [taken] = world.peer.taken_by("friend@a.example")
    assert taken.sender.startswith("SRS0=")
    assert taken.sender.endswith("=b.example=Stranger@example.org")
    assert b"DKIM-Signature" not in taken.octets
    records = {
        f"{each['name']}.".encode(): each["value"].encode()
        for row in rows(world, "dkim", "list")
        for each in row["records"]
    }
    assert dkim.arc_verify(taken.octets, dnsfunc=lambda name, timeout=5: records.get(name))[0] == b"pass"
    assert len(world.inbox()) == before + 1
    deliver(world, "", taken.sender, b"Subject: bounced\r\n\r\nno\r\n")
    until(lambda: world.peer.taken_by(STRANGER))
    [bounce] = world.peer.taken_by(STRANGER)
    assert bounce.sender == ""
    assert b"Subject: bounced" in bounce.octets


def test_a_forward_that_is_refused_there_goes_back_to_the_author(world: World) -> None:
    def answer(verb: str, argument: str, session: Session) -> str | None:
        return "550 5.7.1 we want none of this" if verb == "RCPT" and "friend@" in argument else None

    world.peer.answer = answer
    deliver(world, "author@b.example", "away@example.org")
    until(lambda: world.peer.taken_by("author@b.example"))
    [report] = world.peer.taken_by("author@b.example")
    assert b"we want none of this" in report.octets
    assert report.sender == ""


def test_nobody_is_relayed_to_by_an_address_that_was_not_made_here(world: World) -> None:
    with smtplib.SMTP("127.0.0.1", world.server.port("smtp"), timeout=20) as client:
        client.ehlo()
        client.mail("")
        assert client.rcpt("SRS0=AAAAAA=AA=victim.example=x@example.org")[0] == 550
