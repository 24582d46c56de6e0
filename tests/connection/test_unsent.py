"""connection/unsent.py"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mailserverd.connection.unsent import Served, Unsent, waiting_octets
from mailserverd.telemetry.metrics import Counter
from tests.connection.test_prompt_write import Ends


class Client:
    def __init__(self, unsent: Unsent, octets: int) -> None:
        self.name = "s"
        self.unsent, self.octets, self.measured, self.dropped = unsent, octets, 0, False
        unsent.stalls(self)

    def held_octets(self) -> int:
        self.measured += 1
        return self.octets

    def drop(self) -> None:
        self.dropped = True


class House:
    def __init__(self, most: int) -> None:
        self.clock = Clock()
        self.dropped = Counter()
        self.unsent = Unsent(self.clock, SimpleNamespace(max_unsent_bytes=most), self.dropped)

    def clients(self, *octets: int) -> list[Client]:
        return [Client(self.unsent, each) for each in octets]


def test_below_the_bound_nobody_is_dropped() -> None:
    house = House(1000)
    clients = house.clients(500, 500)
    house.clock.advance(0)
    assert house.unsent.octets == 1000
    assert not any(client.dropped for client in clients)


def test_who_holds_most_goes_first_and_an_eighth_is_left_free() -> None:
    house = House(1000)
    small, large, middle = house.clients(300, 500, 400)
    house.clock.advance(0)
    assert (small.dropped, large.dropped, middle.dropped) == (False, True, False)
    assert house.unsent.octets == 700
    assert house.dropped.value == 1


def test_of_equals_who_is_stalled_longest_goes_first() -> None:
    house = House(1000)
    (old,) = house.clients(400)
    house.clock.advance(10)
    new = house.clients(400, 400)
    house.clock.advance(0)
    assert old.dropped
    assert not any(client.dropped for client in new)


def test_what_was_taken_meanwhile_does_not_count() -> None:
    house = House(1000)
    reading, stalled = house.clients(600, 300)
    house.clock.advance(0)
    reading.octets = 100
    (third,) = house.clients(300)
    house.clock.advance(0)
    assert not any(client.dropped for client in (reading, stalled, third))
    assert house.unsent.octets == 700


def test_who_goes_on_is_forgotten() -> None:
    house = House(1000)
    first, second = house.clients(600, 600)
    house.unsent.goes_on(first)
    house.unsent.goes_on(first)
    house.clock.advance(0)
    assert house.unsent.octets == 600
    assert (first.measured, second.measured) == (2, 3)
    house.unsent.goes_on(second)
    assert house.unsent.octets == 0


def test_one_that_stalls_again_and_again_is_counted_once_a_turn() -> None:
    house = House(1000)
    (client,) = house.clients(100)
    house.unsent.stalls(client)
    house.clock.advance(0)
    client.octets = 900
    house.unsent.stalls(client)
    house.clock.advance(0)
    assert client.measured == 5  # three times when it stalls, and once a turn
    assert house.unsent.octets == 900
    assert not house.clock.getDelayedCalls()


def test_a_reload_holds_from_the_next_stall() -> None:
    house = House(1000)
    (client,) = house.clients(900)
    house.clock.advance(0)
    house.unsent.reload(SimpleNamespace(max_unsent_bytes=950))
    house.clients(100)
    house.clock.advance(0)
    assert client.dropped


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_octets_in_a_transport_and_in_one_under_tls(ends: Ends) -> None:
    ends.transport.write(b"12345")
    ends.transport.dataBuffer = b"678"
    assert waiting_octets(ends.transport) == 8
    assert waiting_octets(SimpleNamespace(transport=ends.transport)) == 8
    assert waiting_octets(StringTransport()) == 0


def test_a_connection_of_ours_stalls_early() -> None:
    assert cast(int, Served.bufferSize) < 65_536
