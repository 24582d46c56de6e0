"""What a provider takes, learned: two domains on one exchanger are slowed by one 421 and sped up again by success."""

from mailserverd.model.outcome import Refused, TryLater
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

BUSY = TryLater("4.7.0", "slow down")


class Learning:
    """ProviderLimits with a clock; blocks: what `blocked` was told."""

    def __init__(self, connections: int = 10) -> None:
        self.now = 1_000
        self.blocks: list[tuple[str, str, bool]] = []
        self.limits = ProviderLimits(
            known_providers(),
            known_phrases(),
            lambda: Bounds(connections, 6),
            lambda: self.now,
            lambda *told: self.blocks.append(told[:3]),
        )

    def succeed(self, provider: str, times: int) -> None:
        for _ in range(times):
            self.limits.succeeded(provider, "", 1, self.now)

    def slow(self, provider: str, code: int = 421, reply: str = "421 4.7.0 slow down") -> None:
        self.limits.failed(provider, "", BUSY, code, reply, self.now)

    def wait(self, provider: str) -> float:
        return self.limits.wait(provider)

    def begin(self, provider: str) -> None:
        self.limits.begun(provider)


def test_success_raises_connections_up_to_the_bound_and_not_beyond() -> None:
    learning = Learning(8)
    assert learning.limits.connections("p") == FIRST_CONNECTIONS
    learning.succeed("p", 5)
    assert learning.limits.connections("p") == 6
    learning.succeed("p", 500)
    assert learning.limits.connections("p") == 8
    assert learning.limits.connections("other") == FIRST_CONNECTIONS


def test_the_configured_bound_holds_from_the_first_connection_on() -> None:
    assert Learning(2).limits.connections("p") == 2


def test_two_domains_on_one_exchanger_share_one_421_and_their_successes() -> None:
    learning = Learning()
    limits = learning.limits
    one, two = limits.provider_of(["mx1.mail.example", "x.other.example"]), limits.provider_of(["mx2.mail.example"])
    other = limits.provider_of(["mx1.elsewhere.example"])
    learning.succeed(one, 100)
    assert (limits.connections(two), learning.wait(two)) == (10, 0)

    learning.slow(one)  # said to the first domain
    assert limits.connections(two) == 5
    assert learning.wait(two) == PAUSE_SECONDS
    learning.succeed(two, 9)
    assert limits.connections(two) == 5, "that was under way before"
    assert (limits.connections(other), learning.wait(other)) == (FIRST_CONNECTIONS, 0)

    learning.now += 1
    assert learning.wait(two) == 0
    learning.succeed(two, 60)  # by the second domain
    assert limits.connections(one) == 10


def test_replies_that_come_together_cut_once() -> None:
    learning = Learning()
    learning.succeed("p", 100)
    for _ in range(10):
        learning.slow("p")
    assert learning.limits.connections("p") == 5
    learning.now += CUT_AT_MOST_EVERY_SECONDS
    learning.slow("p")
    assert learning.limits.connections("p") == 2


def test_with_one_connection_left_messages_are_spaced_out_and_success_brings_them_together_again() -> None:
    learning = Learning()
    for _ in range(20):
        learning.slow("p")
        learning.now += CUT_AT_MOST_EVERY_SECONDS
    assert learning.limits.connections("p") == 1
    assert learning.wait("p") == 0
    learning.begin("p")
    assert learning.wait("p") == MAX_SPACING_SECONDS
    learning.succeed("p", 1)
    assert learning.wait("p") == MAX_SPACING_SECONDS / 2
    learning.succeed("p", 30)
    learning.begin("p")
    assert learning.wait("p") == 0
    learning.succeed("p", 100)
    assert learning.limits.connections("p") == 10


def test_only_replies_that_ask_for_it_slow_down() -> None:
    learning = Learning()
    learning.limits.failed("q", "", TryLater("4.3.0", ""), 451, "451 4.3.0 later", learning.now)
    learning.limits.failed("q", "", Refused("5.1.1", ""), 550, "550 5.1.1 no such user", learning.now)
    learning.limits.failed("q", "", TryLater("4.7.0", "too many connections"), 0, "too many connections", learning.now)
    assert learning.limits.connections("q") == FIRST_CONNECTIONS
    assert learning.blocks == []


def test_a_block_is_told_of_the_address_that_met_it() -> None:
    learning = Learning()
    reply = "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org"
    learning.limits.failed("p", "192.0.2.1", Refused("5.7.1", reply), 554, reply, learning.now)
    learning.limits.failed("p", "", Refused("5.7.1", reply), 554, reply, learning.now)
    later = "421 4.7.28 unusual rate of unsolicited mail originating"
    learning.limits.failed("google", "192.0.2.2", TryLater("4.7.28", later), 421, later, learning.now)
    assert learning.blocks == [("192.0.2.1", "p", True), ("192.0.2.2", "google", False)]
    assert learning.limits.connections("p") < FIRST_CONNECTIONS


def test_what_was_learned_is_forgotten_after_a_quiet_time_and_by_a_flush() -> None:
    learning = Learning()
    for _ in range(5):
        learning.slow("p")
        learning.slow("q")
        learning.now += CUT_AT_MOST_EVERY_SECONDS
    assert learning.limits.connections("p") == 1
    assert set(learning.limits.seen()) == {"p", "q"}
    learning.now += FORGOTTEN_AFTER_SECONDS + 1
    assert learning.wait("p") == 0
    assert learning.limits.connections("p") == FIRST_CONNECTIONS
    learning.limits.forget()
    assert learning.limits.connections("q") == FIRST_CONNECTIONS


def test_there_is_room_up_to_the_limit_of_the_provider_and_of_all() -> None:
    learning = Learning(4)
    limits = learning.limits
    for provider in ("p", "p", "p", "p", "q", "q"):
        assert limits.room(provider)
        limits.opened(provider)
    assert not limits.room("q"), "all together are six"
    limits.closed("q")
    assert limits.room("q")
    assert not limits.room("p")
    assert not limits.excess("p")
    learning.slow("p")
    assert limits.excess("p")
    limits.forget()
    assert not limits.room("p"), "a flush forgets what was learned, not what is open"
    for provider in ("p", "p", "p", "p", "q"):
        limits.closed(provider)
    assert limits.room("p")


def test_providers_do_not_fill_memory() -> None:
    learning = Learning()
    learning.slow("kept")
    learning.limits.opened("open")
    for n in range(20_100):
        learning.succeed(f"p{n}", 1)
    assert len(learning.limits._learned) <= 20_000
    assert learning.limits.connections("kept") == 2
    assert learning.limits._learned["open"].in_use == 1
