"""Chains of others: made longer where they hold, else left."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from mailserverd.assembly.sealing import MAX_HEADER, MAX_NAMES, Chains, Seals
from mailserverd.wire.authentication.arc import seal_fields
from mailserverd.wire.zone.record import quoted
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones
from tests.queue.where import run
from tests.wire.authentication.test_arc_chain import KEYS, MESSAGE, chain


def here(work: Callable[[], Any]) -> Deferred[Any]:
    return succeed(work())


def cv(message: bytes, zones: Zones | None = None) -> bytes:
    published = Zones(*(f"{key.record_name} TXT {quoted(key.record())}" for key in KEYS))
    return run(Chains(ZoneResolver(zones or published), here).cv(message))


@pytest.mark.parametrize("message", [MESSAGE, b"\r\nbody\r\n", b"Subject: march-\r\n\r\n", b"X-ARC-Seal: i=1\r\n\r\n"])
def test_what_has_no_chain(message: bytes) -> None:
    assert cv(message) == b"none"


def test_a_chain_that_holds_is_made_longer() -> None:
    message = chain(2)
    assert cv(message) == b"pass"
    longer = Seals("mx.example.org")(message, KEYS, cv(message), 1) + message
    assert b"ARC-Authentication-Results: i=3; mx.example.org; arc=pass\r\n" in longer
    assert cv(longer) == b"pass"


def test_one_that_does_not_or_cannot_be_judged_is_left() -> None:
    message = chain(2)
    assert cv(message.replace(b"Hello", b"Hi")) == b""
    assert cv(message, Zones()) == b""
    assert cv(message, Zones(failing=[""])) == b""
    assert cv(message, Zones(*(f"{key.record_name} TXT {quoted(key.record())}" for key in KEYS[:1]))) == b""
    assert cv(b"ARC-Seal: i=1\r\n" + MESSAGE) == b""
    assert cv(b"X: " + b"a" * MAX_HEADER + b"\r\n\r\n") == b""
    assert cv(b"no body at all") == b""


def test_a_message_does_not_make_us_ask_for_ever() -> None:
    message = MESSAGE
    for number in range(MAX_NAMES + 1):
        by = replace(KEYS[0], selector=f"s{number}")
        message = seal_fields(message, by, b"mx; arc=none", b"pass" if number else b"none", 1) + message
    zones = Zones()
    assert cv(message, zones) == b""
    assert zones.asked == []


def test_without_a_key_of_rsa_there_is_no_seal() -> None:
    seals = Seals("mx.example.org")
    assert seals(MESSAGE, KEYS[1:2], b"none", 1) == b""
    assert seals(MESSAGE, KEYS, b"pass", 1) == b""
    assert b"a=rsa-sha256" in seals(MESSAGE, KEYS, b"none", 1)
