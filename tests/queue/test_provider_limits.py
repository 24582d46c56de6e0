"""What a provider takes, learned: two domains on one exchanger are slowed by one 421 and sped up again by success."""

from twisted.internet.task import Clock

from mailserverd.queue.classification import known_phrases
from mailserverd.queue.provider_limits import (
    CUT_AT_MOST_EVERY_SECONDS,
    FIRST_CONNECTIONS,
    FORGOTTEN_AFTER_SECONDS,
    MAX_SPACING_SECONDS,
    PAUSE_SECONDS,
    Bounds,
    ProviderLimits,
)
from mailserverd.queue.providers import known_providers


def made(connections: int = 10, in_all: int = 500) -> tuple[ProviderLimits, Clock]:
    clock = Clock()
    return ProviderLimits(lambda: Bounds(connections, in_all), clock.seconds), clock


def succeed(limits: ProviderLimits, provider: str, times: int) -> None:
    for _ in range(times):
        limits.succeeded(provider)


def test_success_raises_connections_up_to_the_bound_and_not_beyond() -> None:
    limits, _ = made(8)
    assert limits.connections("p") == FIRST_CONNECTIONS
    succeed(limits, "p", 5)
    assert limits.connections("p") == 6
    succeed(limits, "p", 500)
    assert limits.connections("p") == 8
    assert limits.connections("other") == FIRST_CONNECTIONS


def test_two_domains_on_one_exchanger_share_one_421_and_their_successes() -> None:
    limits, clock = made()
    providers = known_providers()
    one, two = providers.of("mx1.mail.example"), providers.of("mx2.mail.example")
    other = providers.of("mx1.elsewhere.example")
    succeed(limits, one, 100)
    assert (limits.connections(two), limits.wait(two)) == (10, 0)

    verdict = known_phrases().classify(421, "4.7.0", "421 4.7.0 slow down")  # said to the first domain
    assert verdict.slow
    assert limits.slow_down(one, "421 4.7.0 slow down")
    assert limits.connections(two) == 5
    assert limits.wait(two) == PAUSE_SECONDS
    assert (limits.connections(other), limits.wait(other)) == (FIRST_CONNECTIONS, 0)

    clock.advance(PAUSE_SECONDS)
    assert limits.wait(two) == 0
    succeed(limits, two, 60)  # by the second domain
    assert limits.connections(one) == 10


def test_replies_that_come_together_cut_once() -> None:
    limits, clock = made()
    succeed(limits, "p", 100)
    assert [limits.slow_down("p", "421") for _ in range(10)] == [True] + [False] * 9
    assert limits.connections("p") == 5
    clock.advance(CUT_AT_MOST_EVERY_SECONDS)
    assert limits.slow_down("p", "421")
    assert limits.connections("p") == 2


def test_with_one_connection_left_messages_are_spaced_out_and_success_brings_them_together_again() -> None:
    limits, clock = made()
    for _ in range(20):
        limits.slow_down("p", "421")
        clock.advance(MAX_SPACING_SECONDS)
    assert limits.connections("p") == 1
    assert limits.wait("p") == 0
    limits.begun("p")
    assert limits.wait("p") == MAX_SPACING_SECONDS
    limits.succeeded("p")
    assert limits.wait("p") == MAX_SPACING_SECONDS * 0.75
    succeed(limits, "p", 30)
    limits.begun("p")
    assert limits.wait("p") == 0
    succeed(limits, "p", 100)
    assert limits.connections("p") == 10


def test_there_is_room_up_to_the_limit_of_the_provider_and_of_all() -> None:
    limits, _ = made(2, 3)
    for provider in ("p", "p", "q"):
        assert limits.room(provider)
        limits.opened(provider)
    assert not limits.room("p")
    assert not limits.room("q")
    limits.closed("p")
    assert limits.room("q")
    limits.closed("q")
    limits.closed("p")
    assert limits.in_use == 0


def test_after_a_cut_connections_that_are_open_are_too_many() -> None:
    limits, _ = made(4)
    for _ in range(4):
        limits.opened("p")
    assert not limits.excess("p")
    limits.slow_down("p", "421")
    assert limits.excess("p")
    limits.closed("p")
    limits.closed("p")
    assert not limits.excess("p")


def test_what_was_learned_is_forgotten_after_a_quiet_time_and_by_a_flush() -> None:
    limits, clock = made()
    for _ in range(5):
        limits.slow_down("p", "421")
        limits.slow_down("q", "421")
        clock.advance(CUT_AT_MOST_EVERY_SECONDS)
    assert limits.connections("p") == 1
    limits.opened("q")
    limits.forget()
    assert (limits.connections("q"), limits.wait("q"), limits.in_use) == (FIRST_CONNECTIONS, 0, 1)
    limits.slow_down("p", "421")
    clock.advance(FORGOTTEN_AFTER_SECONDS + 1)
    assert limits.connections("p") == FIRST_CONNECTIONS


def test_providers_that_are_not_in_use_do_not_fill_memory() -> None:
    limits, _ = made()
    limits.opened("kept")
    for n in range(20_100):
        limits.succeeded(f"p{n}")
    assert len(limits._learned) <= 20_000
    assert limits._learned["kept"].in_use == 1
    limits.closed("kept")
    assert limits.in_use == 0
