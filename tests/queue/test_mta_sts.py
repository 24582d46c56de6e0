"""RFC 8461: which policy holds, and when it is fetched."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailserverd.queue.https import HttpAnswer, RequestFailed
from mailserverd.queue.mta_sts import AFTER_FAILURE_SECONDS, REFRESH_SECONDS, ROUND_SECONDS, MtaSts
from mailserverd.queue.sts_store import IN_MEMORY, StsStore
from mailserverd.wire.mta_sts.policy import MAX_POLICY_OCTETS, Mode
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones
from tests.queue.records import MemoryRecords
from tests.queue.where import run

RECORD = '_mta-sts.a.example TXT "v=STSv1; id={};"'
WEEK = 604800


def text(mode: str = "enforce", max_age: int = WEEK) -> bytes:
    return f"version: STSv1\r\nmode: {mode}\r\nmx: m.a.example\r\nmax_age: {max_age}\r\n".encode()


class Web:
    """Policy hosts. answer: what they say; a Deferred is waited for."""

    def __init__(self) -> None:
        self.answer: Any = HttpAnswer(200, "text/plain; charset=utf-8", text())
        self.asked: list[tuple[str, int]] = []

    async def get(self, url: str, max_octets: int, seconds: float) -> HttpAnswer:
        self.asked.append((url, max_octets))
        answer = await self.answer if isinstance(self.answer, Deferred) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]


class House:
    def __init__(self, port: int = 443) -> None:
        self.clock, self.web, self.records = Clock(), Web(), MemoryRecords()
        self.clock.advance(1_800_000_000)
        self.zones = Zones(RECORD.format("1"), ttl=1)
        self.failures: list[tuple[str, str]] = []
        self.port = port
        self.restart()

    def restart(self) -> None:
        resolver = ZoneResolver(self.zones, self.clock)
        self.store = StsStore(self.records)
        told = lambda domain, reason: self.failures.append((domain, reason))  # noqa: E731
        self.sts = MtaSts(resolver, self.web, self.store, lambda: self.port, self.clock, self.clock.seconds, told)

    def mode(self, domain: str = "a.example") -> Mode | None:
        found = run(self.sts.policy(domain))
        return found.mode if found is not None else None

    def new_record(self, number: int | None) -> None:
        self.zones.remove("_mta-sts.a.example", "TXT")
        if number is not None:
            self.zones.add(RECORD.format(number))
        self.clock.advance(61)


def test_a_policy_is_fetched_once_and_survives_a_restart() -> None:
    house = House()
    assert [house.mode(), house.mode()] == [Mode.ENFORCE] * 2
    assert house.web.asked == [("https://mta-sts.a.example/.well-known/mta-sts.txt", MAX_POLICY_OCTETS)]
    house.restart()
    assert house.mode() is Mode.ENFORCE
    assert len(house.web.asked) == 1
    assert house.sts.held("a.example") is not None


def test_the_port_can_be_another() -> None:
    house = House(4443)
    house.mode()
    assert house.web.asked[0][0] == "https://mta-sts.a.example:4443/.well-known/mta-sts.txt"


def test_without_a_record_nobody_is_asked() -> None:
    house = House()
    assert house.mode("b.example") is None
    assert house.web.asked == []


def test_a_new_id_brings_a_new_policy() -> None:
    house = House()
    house.mode()
    house.web.answer = HttpAnswer(200, "text/plain", text("none"))
    house.new_record(2)
    assert house.mode() is Mode.NONE


@pytest.mark.parametrize("record", [None, 2])
def test_a_policy_in_force_stays_when_the_record_or_its_host_is_gone_until_it_expires(record: int | None) -> None:
    house = House()
    house.mode()
    house.web.answer = RequestFailed("gone")
    house.new_record(record)
    assert house.mode() is Mode.ENFORCE
    house.zones.silent.add("_mta-sts.a.example")
    house.clock.advance(WEEK - 200)
    assert house.mode() is Mode.ENFORCE
    house.clock.advance(200)
    assert house.mode() is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RequestFailed("no"), "sts-policy-fetch-error"),
        (RequestFailed("no", certificate=True), "sts-webpki-invalid"),
        (HttpAnswer(404, "text/plain", text()), "sts-policy-fetch-error"),
        (HttpAnswer(301, "text/plain", text()), "sts-policy-fetch-error"),
        (HttpAnswer(200, "text/html", text()), "sts-policy-invalid"),
        (HttpAnswer(200, "text/plain", b"nonsense"), "sts-policy-invalid"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_left_alone_for_a_while(answer: Any, reason: str) -> None:
    house = House()
    house.web.answer = answer
    assert [house.mode(), house.mode()] == [None, None]
    assert house.failures == [("a.example", reason)]
    assert len(house.web.asked) == 1
    house.web.answer = HttpAnswer(200, "text/plain", text())
    house.clock.advance(AFTER_FAILURE_SECONDS)
    assert house.mode() is Mode.ENFORCE


def test_many_who_ask_at_once_wait_for_one_fetch_and_one_may_leave() -> None:
    house = House()
    answer = house.web.answer
    house.web.answer = Deferred()
    found: list[Any] = []
    asking = [Deferred.fromCoroutine(house.sts.policy("a.example")) for _ in range(3)]
    for each in asking:
        each.addCallbacks(found.append, lambda _: None)
    asking[0].cancel()
    house.web.answer.callback(answer)
    assert [each.mode for each in found] == [Mode.ENFORCE] * 2
    assert len(house.web.asked) == 1


def test_an_old_policy_is_fetched_anew_while_it_is_used() -> None:
    house = House()
    house.mode()
    house.clock.advance(REFRESH_SECONDS + 1)
    house.web.answer = waiting = Deferred()
    assert house.mode() is Mode.ENFORCE
    waiting.callback(HttpAnswer(200, "text/plain", text("testing")))
    assert house.mode() is Mode.TESTING


def test_what_is_kept_is_fetched_again_without_mail() -> None:
    house = House()
    house.mode()
    house.sts.start()
    for _ in range(3 * REFRESH_SECONDS // ROUND_SECONDS):
        house.clock.advance(ROUND_SECONDS)
    assert 3 <= len(house.web.asked) <= 5
    house.sts.stop()
    assert house.clock.getDelayedCalls() == []


def test_what_has_expired_is_removed() -> None:
    house = House()
    house.mode()
    house.new_record(None)
    house.clock.advance(WEEK)
    assert house.records
    for _ in range(house.store.rounds()):
        run(house.sts.refresh())
    assert not house.records


def test_a_full_disk_costs_the_memory_of_a_restart_alone() -> None:
    house = House()
    house.records.full = True
    assert house.mode() is Mode.ENFORCE
    house.restart()
    assert house.mode() is Mode.ENFORCE
    assert len(house.web.asked) == 2


def test_a_record_that_cannot_be_read_is_none() -> None:
    house = House()
    house.records[b"Tsa.example"] = b"\xff\xff"
    assert house.mode() is Mode.ENFORCE


def test_memory_is_bounded() -> None:
    house = House()
    for number in range(IN_MEMORY + 10):
        house.store.get(f"d{number}.example", 0.0)
    assert len(house.store._memory) == IN_MEMORY
