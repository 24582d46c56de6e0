"""delivery/route.py"""

from pathlib import Path as FilePath
from typing import Any

import pytest

from mailserverd.delivery.envelope import Remote, Routed
from mailserverd.delivery.route import DISABLED, FULL, NOT_OURS, TOO_LARGE, UNAVAILABLE, UNKNOWN, lookup_form
from mailserverd.model.account import Account
from mailserverd.model.outcome import Refused
from mailserverd.wire.smtp.path import Path, parse_path
from tests.smtp.doubles import House


@pytest.fixture
def house(tmp_path: FilePath) -> House:
    return House(tmp_path)


def ask(house: House, address: str, octets: int = 0, sender: Account | None = None) -> Any:
    path, _ = parse_path(f"<{address}>".encode(), 0, forward=True)
    waiting = house.router.route(path, octets, sender)
    with pytest.raises(StopIteration) as done:
        waiting.send(None)
    return done.value.value


def test_an_account_of_ours_in_any_case(house: House) -> None:
    assert ask(house, "ANNA@Example.ORG") == Routed(b"ANNA@Example.ORG", (house.anna,))
    assert ask(house, "anna+lists@example.org").accounts == (house.anna,)


def test_the_unknown_and_the_strange(house: House) -> None:
    assert ask(house, "nobody@example.org") is UNKNOWN
    assert ask(house, "anna@elsewhere.example") is NOT_OURS
    assert ask(house, "anna@[127.0.0.1]") is NOT_OURS


def test_who_is_logged_in_may_write_elsewhere(house: House) -> None:
    routed = ask(house, "Anna@Bücher.Elsewhere.EXAMPLE", sender=house.anna)
    assert routed.accounts == ()
    assert routed.remote == (Remote("Anna@Bücher.Elsewhere.EXAMPLE", "xn--bcher-kva.elsewhere.example"),)
    assert ask(house, "anna@[IPv6:::1]", sender=house.anna).remote[0].destination == "[ipv6:::1]"
    house.sending.refusal = Refused("5.7.1", "not to there")
    assert ask(house, "anna@elsewhere.example", sender=house.anna) is house.sending.refusal


def test_disabled_accounts_take_nothing(house: House) -> None:
    off = house.directory.add(3, "off@example.org", disabled=True)
    assert ask(house, "off@example.org") is DISABLED
    house.directory.names["both@example.org"] = [off, house.bob]
    assert ask(house, "both@example.org").accounts == (house.bob,)


def test_sizes_and_quotas(house: House) -> None:
    house.directory.add(3, "small@example.org", max_message_octets=100)
    assert ask(house, "small@example.org", 101) is TOO_LARGE
    assert isinstance(ask(house, "small@example.org", 100), Routed)
    house.directory.add(4, "full@example.org", quota_octets=1000)
    house.room.full.add(4)
    assert ask(house, "full@example.org") is FULL


def test_one_full_account_of_several_holds_up_nobody(house: House) -> None:
    full = house.directory.add(4, "full@example.org", quota_octets=1000)
    house.room.full.add(4)
    house.directory.names["team@example.org"] = [full, house.anna]
    assert ask(house, "team@example.org").accounts == (full, house.anna)


@pytest.mark.parametrize(
    "address", ["postmaster", "PostMaster@example.org", "postmaster@mx.example.org", "postmaster@bücher.example"]
)
def test_postmaster_is_always_somebody(house: House, address: str) -> None:
    """RFC 5321 §4.5.1: here the first account, as nothing is configured."""
    assert ask(house, address).accounts == (house.anna,)


def test_postmaster_is_who_the_configuration_says(tmp_path: FilePath) -> None:
    house = House(
        tmp_path,
        server={"hostname": "mx.example.org", "data_directory": str(tmp_path), "postmaster": "Bob@example.org"},
    )
    assert ask(house, "postmaster").accounts == (house.bob,)
    del house.directory.names["bob@example.org"]
    assert ask(house, "postmaster").accounts == (house.anna,)


def test_postmaster_elsewhere_is_not_ours(house: House) -> None:
    assert ask(house, "postmaster@elsewhere.example") is NOT_OURS


def test_the_directory_may_be_away(house: House) -> None:
    house.directory.broken = True
    assert ask(house, "anna@example.org") is UNAVAILABLE


def test_names_are_looked_up_in_unicode() -> None:
    assert lookup_form(Path(b"Anna", b"XN--BCHER-KVA.example")) == "anna@bücher.example"
    assert lookup_form(Path(b"anna", b"xn--\xc3\xbc.example")) == "anna@xn--ü.example"


def test_a_domain_in_ascii_form_is_the_same_domain(house: House) -> None:
    eva = house.directory.add(5, "eva@bücher.example")
    assert ask(house, "eva@xn--bcher-kva.example").accounts == (eva,)
    assert ask(house, "eva@bücher.example").accounts == (eva,)


def owns(house: House, address: bytes) -> bool:
    path, _ = parse_path(address, 0, forward=False)
    waiting = house.router.owns(house.anna, path)
    with pytest.raises(StopIteration) as done:
        waiting.send(None)
    answer = done.value.value
    assert isinstance(answer, bool)
    return answer


def test_whose_address_it_is(house: House) -> None:
    assert owns(house, b"<anna+x@example.org>")
    assert not owns(house, b"<bob@example.org>")
    assert not owns(house, b"<anna@elsewhere.example>")
    assert not owns(house, b"<>")
    house.directory.names["team@example.org"] = [house.bob, house.anna]
    assert owns(house, b"<team@example.org>")


def test_an_address_of_the_servers_making_leads_to_who_it_was_made_for_and_is_read(house: House) -> None:
    house.reports.leads = {
        "bounce-q1-0-x@example.org": "Anna@example.org",
        "unsubscribe-x@example.org": "",
        "bounce-q2-0-x@example.org": "gone@example.org",
    }
    path = b"Bounce-q1-0-x@example.org"
    assert ask(house, path.decode()) == Routed(path, (house.anna,), report=True)
    for address in ("unsubscribe-x@example.org", "bounce-q2-0-x@example.org"):
        assert ask(house, address) == Routed(address.encode(), (), report=True)
    assert ask(house, "bounce-q3-0-x@example.org") is UNKNOWN
