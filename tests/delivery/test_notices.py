"""delivery/notices.py: a report goes to a mailbox here, out by the queue, or to the postmaster."""

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from mailserverd.model.outcome import Delivered, Outcome, TryLater
from tests.smtp.doubles import House

REPORT = b"Subject: it failed\r\n\r\nsorry\r\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def notify(house: House, address: str, key: str = "q1/b") -> Outcome:
    results: list[Outcome] = []
    Deferred.fromCoroutine(house.notices.notify(address, REPORT, key)).addCallback(results.append)
    return results[0]


def test_a_sender_here_gets_it_into_the_mailbox_once(house: House) -> None:
    assert isinstance(notify(house, "bob@example.org"), Delivered)
    assert isinstance(notify(house, "bob@example.org"), Delivered)
    [(account, octets, _)] = house.copies.delivered
    assert account == house.bob.account_id
    assert octets == b"Return-Path: <>\r\n" + REPORT
    assert house.sending.submitted == []


def test_a_sender_elsewhere_gets_it_by_the_queue_with_the_null_path(house: House) -> None:
    assert isinstance(notify(house, "X@a.example"), Delivered)
    notify(house, "X@a.example")
    first, second = house.sending.submitted
    assert first.queue_id == second.queue_id, "the same report again is the same entry"
    assert (first.sender, first.account, first.message) == ("", None, REPORT)
    assert [(each.address, each.destination, each.notify) for each in first.recipients] == [
        ("X@a.example", "a.example", "NEVER")
    ]


@pytest.mark.parametrize("address", ["nobody@example.org", "not an address", "", "x@exa mple"])
def test_what_can_go_nowhere_goes_to_the_postmaster(house: House, address: str) -> None:
    assert isinstance(notify(house, address), Delivered)
    assert [each[0] for each in house.copies.delivered] == [house.anna.account_id]


def test_a_queue_that_takes_nothing_is_told(house: House) -> None:
    house.sending.refusal_at_the_end = TryLater("4.3.1", "no space")
    assert notify(house, "x@a.example") is house.sending.refusal_at_the_end
