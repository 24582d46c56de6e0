"""Pools, warm-up and rests: which address a message goes out by, today, at this provider."""

import pytest

from mailserverd.config.outbound import MailClass, Outbound, Pool
from mailserverd.queue.parts import Source, Wait
from mailserverd.queue.pools import REST_FOR_GOOD_SECONDS, REST_SECONDS, Pools
from mailserverd.queue.warm_up import DAY, WarmUps
from tests.queue.reputation_double import Stores, run

WARM, NEW, OTHER = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def pools(stores: Stores, **settings: object) -> Pools:
    pool = Pool(**{"addresses": (WARM, OTHER), **settings})
    outbound = Outbound(pools={"p": pool}, classes={"bulk": MailClass(pool="p"), "plain": MailClass()})
    made = Pools(stores.reputation, lambda: outbound, WarmUps(stores.reputation))
    run(made.start())
    return made


WARMING = {
    "addresses": (WARM, NEW),
    "warm_up_per_day": (10, 20, 40),
    "warm_up_addresses": (NEW,),
    "helo": "out.example",
}


def picked(made: Pools, times: int, now: int, recipients: int = 1, provider: str = "google") -> list[str]:
    found = [made.pick("bulk", provider, recipients, now) for _ in range(times)]
    return [each.address if isinstance(each, Source) else "wait" for each in found]


def test_a_class_without_a_pool_and_an_unknown_one_go_out_by_any_address() -> None:
    made = pools(Stores())
    assert (
        made.pick("plain", "google", 1, 0) == made.pick("", "google", 1, 0) == made.pick("gone", "x", 1, 0) == Source()
    )


def test_warm_addresses_take_turns() -> None:
    assert picked(pools(Stores()), 4, 0) == [WARM, OTHER, WARM, OTHER]


def test_a_new_address_has_its_share_of_each_day_first_and_the_rest_goes_by_a_warm_one() -> None:
    made = pools(Stores(), **WARMING)
    assert made.pick("bulk", "google", 1, 1_000) == Source(NEW, "out.example")
    for day, share in enumerate((9, 20, 40)):
        addresses = picked(made, 60, 1_000 + day * DAY)
        assert addresses == [NEW] * share + [WARM] * (60 - share), day
    assert set(picked(made, 60, 1_000 + 3 * DAY)) == {NEW, WARM}, "it is warm now and takes its turn"


def test_days_begin_with_the_first_use_and_a_day_without_mail_counts() -> None:
    made = pools(Stores(), **WARMING)
    picked(made, 10, 500)
    assert picked(made, 1, 500 + DAY - 1) == [WARM]
    assert picked(made, 30, 500 + 2 * DAY).count(NEW) == 30


def test_what_was_counted_stands_after_a_restart() -> None:
    stores = Stores()
    picked(pools(stores, **WARMING), 7, 1_000)
    assert picked(pools(stores.again(), **WARMING), 5, 2_000) == [NEW, NEW, NEW, WARM, WARM]


def test_what_did_not_go_out_is_given_back() -> None:
    made = pools(Stores(), **WARMING)
    assert picked(made, 11, 0)[-1] == WARM
    made.unused(Source(NEW), "google", 2, 0)
    made.unused(Source(WARM), "google", 2, 0)
    assert picked(made, 3, 0) == [NEW, NEW, WARM]


def test_a_pool_may_wait_for_the_next_day_instead() -> None:
    made = pools(Stores(), **WARMING, overflow="wait")
    assert picked(made, 11, 600) == [NEW] * 10 + ["wait"]
    waits = made.pick("bulk", "google", 1, 700)
    assert isinstance(waits, Wait)
    assert waits.until == 600 + DAY
    assert made.pick("bulk", "google", 1, waits.until) == Source(NEW, "out.example")


def test_without_a_warm_address_it_waits_too() -> None:
    made = pools(Stores(), **{**WARMING, "addresses": (NEW,)})
    assert picked(made, 11, 0)[-1] == "wait"


def test_a_message_larger_than_a_days_share_goes_by_a_warm_address_or_has_a_day_for_itself() -> None:
    assert picked(pools(Stores(), **WARMING), 1, 0, recipients=50) == [WARM]
    alone = pools(Stores(), **{**WARMING, "addresses": (NEW,)})
    assert picked(alone, 2, 0, recipients=50) == [NEW, "wait"]


@pytest.mark.parametrize(("for_good", "seconds"), [(True, REST_FOR_GOOD_SECONDS), (False, REST_SECONDS)])
def test_an_address_that_is_blocked_rests_at_that_provider_alone(for_good: bool, seconds: int) -> None:
    stores = Stores()
    made = pools(stores)
    made.blocked(WARM, "google", for_good, "421 blocked", 100)
    assert set(picked(made, 4, 101)) == {OTHER}
    assert set(picked(made, 4, 101, provider="yahoo")) == {WARM, OTHER}
    again = pools(stores.again())
    assert set(picked(again, 4, 100 + seconds - 1)) == {OTHER}
    assert set(picked(again, 4, 100 + seconds)) == {WARM, OTHER}


def test_when_all_rest_the_message_waits_for_the_first_to_wake() -> None:
    made = pools(Stores())
    made.blocked(WARM, "google", True, "554 blocked", 0)
    made.blocked(OTHER, "google", False, "421\r\nblocked", 0)
    assert made.pick("bulk", "google", 1, 1) == Wait(REST_SECONDS, f"google blocks {OTHER}: 421 blocked")
    assert [each.source for each in made.rests(REST_SECONDS)] == [WARM]


def test_a_flush_ends_every_rest_also_for_the_next_start() -> None:
    stores = Stores()
    made = pools(stores)
    made.blocked(WARM, "google", True, "554 blocked", 0)
    made.forget()
    assert set(picked(made, 2, 1)) == {WARM, OTHER}
    assert pools(stores.again()).rests(1) == []


def test_a_shorter_block_does_not_end_a_longer_one() -> None:
    made = pools(Stores())
    made.blocked(WARM, "google", True, "554", 0)
    made.blocked(WARM, "google", False, "421", 10)
    assert made.rests(0)[0].until == REST_FOR_GOOD_SECONDS


def test_a_new_address_that_is_blocked_leaves_the_mail_to_the_warm_ones() -> None:
    made = pools(Stores(), **WARMING, overflow="wait")
    made.blocked(NEW, "google", True, "554", 0)
    assert picked(made, 3, 1) == [WARM] * 3
    assert picked(made, 1, 1, provider="yahoo") == [NEW]
