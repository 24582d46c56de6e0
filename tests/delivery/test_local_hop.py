"""delivery/local_hop.py: what is in the queue for a domain of ours."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from mailserverd.delivery.local_hop import LOCAL, LocalRouting, WithLocal
from mailserverd.interfaces.mail_transport import CannotDowngrade, Hop, Outgoing, Recipient, Sent
from mailserverd.model.errors import OverQuota
from mailserverd.model.outcome import Delivered, Refused, TryLater
from mailserverd.queue.parts import ToOneHost
from tests.smtp.doubles import House

ELSEWHERE = Hop("smtp", "mx.a.example", "127.0.0.1", 25, "mx.example.org")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    results: list[Any] = []
    Deferred.fromCoroutine(work).addCallback(results.append)
    return results[0]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def hop_for(house: House, destination: str) -> Hop:
    routing = LocalRouting(ToOneHost(ELSEWHERE), house.directory.is_local, "mx.example.org")
    [hop] = run(routing.hops(destination, False))
    assert isinstance(hop, Hop)
    return hop


def send(house: House, *recipients: str, octets: bytes = b"Subject: x\r\n\r\nhi\r\n") -> Sent:
    async def prepare(form: str) -> bytes:
        if not octets:
            raise CannotDowngrade("no form of it")
        return octets

    transport = WithLocal(None, house.router, house.copies, house.seconds)  # type: ignore[arg-type]
    connection = run(transport.connect(hop_for(house, "example.org")))
    sent = run(connection.send(Outgoing("x@a.example", [Recipient(each) for each in recipients], 9, prepare)))
    assert isinstance(sent, Sent)
    return sent


def test_our_domains_do_not_go_to_the_network(house: House) -> None:
    assert hop_for(house, "example.org").protocol == LOCAL
    assert hop_for(house, "a.example") is ELSEWHERE


def test_each_recipient_has_its_outcome(house: House) -> None:
    house.copies.failing[house.bob.account_id] = OverQuota("full")
    results = send(house, "anna@example.org", "nobody@example.org", "bob@example.org").results
    assert [type(each.outcome) for each in results] == [Delivered, Refused, TryLater]
    [(account, octets, _)] = house.copies.delivered
    assert account == house.anna.account_id
    assert octets == b"Return-Path: <x@a.example>\r\nSubject: x\r\n\r\nhi\r\n"


def test_the_same_again_makes_no_second_copy(house: House) -> None:
    send(house, "anna@example.org")
    assert isinstance(send(house, "anna@example.org").results[0].outcome, Delivered)
    assert len(house.copies.delivered) == 1


def test_what_has_no_form_for_us_fails(house: House) -> None:
    assert send(house, "anna@example.org", octets=b"").results[0].outcome == Refused("5.6.3", "no form of it")
