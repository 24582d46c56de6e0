"""Mail that an alias leads to another server, and its bounces back."""

from pathlib import Path
from typing import Any

import pytest

from mailserverd.delivery.envelope import Envelope, Remote, Routed
from mailserverd.model.outcome import Refused
from mailserverd.queue.submit import Submission
from mailserverd.wire.authentication.srs import VALID_DAYS
from mailserverd.wire.smtp.path import parse_path
from tests.delivery.test_inbound import receive
from tests.delivery.test_route import ask
from tests.smtp.doubles import House

AWAY = "friend@elsewhere.example"


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.directory.names["away@example.org"] = []
    made.directory.names["both@example.org"] = [made.anna]
    made.directory.elsewhere = {"away@example.org": (AWAY,), "both@example.org": (AWAY, "jürgen@bücher.net")}
    return made


def forwarded(house: House, sender: bytes, address: str = "away@example.org", **more: Any) -> Submission:
    routed = ask(house, address)
    assert isinstance(routed, Routed)
    receive(house, Envelope("smtp", "s1", "q1", sender, (routed,), b"Received: id ", **more))
    [wanted] = house.sending.submitted
    return wanted


def test_an_alias_leads_away_and_to_accounts(house: House) -> None:
    assert ask(house, "away@example.org") == Routed(
        b"away@example.org", (), (Remote(AWAY, "elsewhere.example", "away@example.org"),)
    )
    both = ask(house, "both@example.org")
    assert both.accounts == (house.anna,)
    assert [(each.address, each.destination) for each in both.remote] == [
        (AWAY, "elsewhere.example"),
        ("jürgen@xn--bcher-kva.net", "xn--bcher-kva.net"),
    ]
    wanted = forwarded(house, b"x@example.net", "both@example.org")
    assert [each.address for each in wanted.recipients] == [AWAY, "jürgen@xn--bcher-kva.net"]
    assert [each[0] for each in house.copies.delivered] == [house.anna.account_id]


def test_a_full_mailbox_does_not_keep_the_others_from_leaving(house: House) -> None:
    house.room.full = True
    house.directory.add(9, "full@example.org", quota_octets=1)
    house.directory.elsewhere["full@example.org"] = (AWAY,)
    assert ask(house, "full@example.org", 1000).remote


def test_a_sender_elsewhere_is_rewritten_and_ours_and_none_are_not(house: House) -> None:
    wanted = forwarded(house, b"Alice@example.net")
    assert wanted.forwarded
    assert wanted.account is None
    assert wanted.sender.startswith("SRS0=")
    assert wanted.sender.endswith("=example.net=Alice@example.org")
    assert not wanted.message.startswith(b"Return-Path")
    house.sending.submitted.clear()
    assert forwarded(house, b"").sender == ""
    house.sending.submitted.clear()
    assert forwarded(house, "x@bücher.example".encode()).sender == "x@bücher.example"


def test_what_a_user_of_ours_submits_is_no_forward(house: House) -> None:
    wanted = forwarded(house, b"anna@example.org", account=house.anna)
    assert not wanted.forwarded
    assert (wanted.sender, wanted.account) == ("anna@example.org", house.anna)


def test_a_bounce_goes_back_to_the_sender(house: House) -> None:
    made = forwarded(house, b"Alice@example.net").sender
    back = ask(house, made)
    assert back.accounts == ()
    assert [(each.address, each.destination) for each in back.remote] == [("Alice@example.net", "example.net")]
    house.sending.submitted.clear()
    receive(house, Envelope("smtp", "s1", "q2", b"", (back,), b"Received: id "))
    [wanted] = house.sending.submitted
    assert (wanted.sender, wanted.recipients[0].address, wanted.forwarded) == ("", "Alice@example.net", True)


def test_only_what_was_rewritten_here_and_not_too_long_ago_goes_back(house: House) -> None:
    made = forwarded(house, b"Alice@example.net").sender
    assert isinstance(ask(house, made.replace("example.net", "victim.example")), Refused)
    assert isinstance(ask(house, "SRS0=AAAAAA=AA=victim.example=x@example.org"), Refused)
    house.clock.advance((VALID_DAYS + 1) * 86400)
    assert isinstance(ask(house, made), Refused)


def test_a_sender_that_cannot_be_rewritten_is_refused_for_good(house: House) -> None:
    local = b"a" * 230
    routed = ask(house, "away@example.org")
    [outcome] = receive(house, Envelope("smtp", "s1", "q1", local + b"@example.net", (routed,), b"Received: id "))
    assert isinstance(outcome, Refused)
    assert outcome.status == "5.1.7"
    assert parse_path(b"<%b@example.net>" % local, 0, forward=False)  # though it is a path
