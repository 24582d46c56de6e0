"""Places and free connections."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.mail_transport import Hop, HopFailed
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.connections import Connections, Held, NoHop
from mailserverd.queue.parts import ConfiguredLimits, NobodyTold, Source
from tests.queue.stage import Host, Hosts, Routes, hop

T = TypeVar("T")
ANY = Source()
ONE, TWO = hop("one"), hop("two")


class Case:
    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.settings = Outbound(**settings)
        self.hosts = Hosts(self.clock)
        self.hosts.by_name = {"one": Host(), "two": Host()}
        self.limits = ConfiguredLimits(lambda: self.settings)
        self.connections = Connections(
            self.hosts,  # type: ignore[arg-type]
            self.limits,
            Routes(),
            NobodyTold(),
            lambda: self.settings,
            self.clock,
            self.clock.seconds,
        )

    def begin(self, work: Coroutine[Any, Any, T]) -> tuple["Deferred[T]", list[T]]:
        answers: list[T] = []
        deferred = Deferred.fromCoroutine(work)
        deferred.addCallback(answers.append)
        return deferred, answers  # type: ignore[return-value]

    def make(self, to: Hop = ONE, source: Source = ANY) -> Held:
        assert self.connections.take_place(to.host)
        return self.begin(self.connections.make("a.example", (to,), source, to.host))[1][0]

    def fails(self, *hops: Hop) -> NoHop:
        assert self.connections.take_place(hops[0].host)
        failures: list[Any] = []
        work = self.connections.make("a.example", hops, ANY, hops[0].host)
        Deferred.fromCoroutine(work).addErrback(lambda failure: failures.append(failure.value))
        assert isinstance(failures[0], NoHop)
        return failures[0]


def test_a_free_one_serves_the_same_hop_from_the_same_address_only() -> None:
    case = Case()
    held = case.make()
    case.connections.park(held, ANY)
    assert case.connections.free((TWO,), ANY) is None
    assert case.connections.free((ONE,), Source("127.0.0.5")) is None
    assert case.connections.free((TWO, ONE), ANY) is held
    assert case.connections.free((ONE,), ANY) is None


def test_a_free_one_makes_place_for_another_of_its_provider() -> None:
    case = Case(max_connections_per_provider=1)
    case.connections.park(case.make(), ANY)
    assert case.hosts.by_name["one"].open == 1
    second = case.make(source=Source("127.0.0.5"))
    assert case.hosts.by_name["one"].open == 1
    assert second.hop == ONE


def test_a_free_one_makes_place_for_anybody_where_all_are_too_many() -> None:
    case = Case(max_connections=1)
    case.connections.park(case.make(), ANY)
    case.make(TWO)
    assert (case.hosts.by_name["one"].open, case.hosts.by_name["two"].open) == (0, 1)


def test_who_waits_is_served_in_turn_with_a_place_or_with_what_is_free() -> None:
    case = Case(max_connections_per_provider=1)
    held = case.make()
    first = case.begin(case.connections.place("one", (ONE,), ANY))[1]
    second = case.begin(case.connections.place("one", (ONE,), Source("127.0.0.5")))[1]
    assert not case.connections.take_place("one")
    assert case.connections.wanted("one")
    case.connections.park(held, ANY)
    assert first == []
    case.clock.advance(0)
    assert first == [held]
    assert second == []
    case.connections.close(held)
    case.clock.advance(0)
    assert second == [None]
    assert not case.connections.wanted("one")


def test_who_stops_waiting_holds_nobody_up() -> None:
    case = Case(max_connections_per_provider=1)
    held = case.make()
    gone, _ = case.begin(case.connections.place("one", (ONE,), ANY))
    answers = case.begin(case.connections.place("one", (ONE,), ANY))[1]
    gone.addErrback(lambda failure: failure.trap(CancelledError))
    gone.cancel()
    case.connections.close(held)
    case.clock.advance(0)
    assert answers == [None]


def test_a_host_that_does_not_answer_is_left_alone_for_a_while() -> None:
    case = Case()
    case.hosts.by_name["one"].down = HopFailed("connect", TryLater("4.4.1", "no answer"))
    for _ in range(2):
        assert case.fails(ONE).outcome.why == "no answer"
    assert len(case.hosts.tried) == 1
    case.clock.advance(31)
    case.hosts.by_name["one"].down = None
    assert case.make().hop == ONE


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (HopFailed("ehlo", Refused("5.7.1", "a"), 550), HopFailed("connect", TryLater("4.4.1", "b")), "b"),
        (HopFailed("ehlo", Refused("5.7.1", "a"), 550), HopFailed("ehlo", Refused("5.7.1", "b"), 550), "a"),
        (HopFailed("connect", TryLater("4.4.1", "a")), HopFailed("connect", TryLater("4.4.1", "b")), "a"),
    ],
)
def test_what_stands_for_all(first: HopFailed, second: HopFailed, outcome: str) -> None:
    case = Case()
    case.hosts.by_name["one"].down, case.hosts.by_name["two"].down = first, second
    assert case.fails(ONE, TWO).outcome.why == outcome
    assert case.limits.room("one")


def test_at_the_end_all_are_closed() -> None:
    case = Case()
    busy = case.make()
    case.connections.park(case.make(), ANY)
    case.begin(case.connections.stop())
    assert case.hosts.by_name["one"].open == 0
    assert not busy.connection.idle()
    assert case.clock.getDelayedCalls() == []
