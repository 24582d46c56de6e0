"""Suspension: when an account is judged, who is told, that it lasts, and that one command ends it."""

from typing import Any

import pytest

from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused
from mailserverd.queue.suspension import Suspensions, SuspensionSettings, judged
from mailserverd.queue.suspension_notice import suspension_notice
from tests.queue.reputation_double import Stores, run

ANNA = AccountId(1)
SETTINGS = SuspensionSettings(100, 10.0, 0.3)
NOW = 1_000 * 3_600


class Telling:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.works = True

    async def __call__(self, suspension: Any) -> bool:
        self.told.append(suspension.why)
        return self.works


def made(stores: Stores, telling: Telling) -> Suspensions:
    return Suspensions(stores.reputation, stores.counts, lambda: SETTINGS, telling)


@pytest.mark.parametrize(
    ("recipients", "bounces", "complaints", "suspended"),
    [
        (99, 99, 99, False),
        (100, 10, 0, False),
        (100, 11, 0, True),
        (1_000, 0, 3, False),
        (1_000, 0, 4, True),
        (100, 0, 1, True),
        (0, 0, 0, False),
    ],
)
def test_judged(recipients: int, bounces: int, complaints: int, suspended: bool) -> None:
    assert (judged(SETTINGS, recipients, bounces, complaints) is not None) is suspended


def test_a_rate_of_zero_is_never_reached() -> None:
    assert judged(SuspensionSettings(1, 0.0, 0.0), 100, 100, 100) is None


def test_an_account_that_bounces_too_much_is_suspended_told_once_and_resumed_by_one_command() -> None:
    stores, telling = Stores(), Telling()
    suspensions = made(stores, telling)
    run(suspensions.settled(ANNA, 100, 10, NOW))
    assert run(suspensions.refusal(ANNA)) is None
    run(suspensions.settled(ANNA, 1, 1, NOW))
    run(suspensions.settled(ANNA, 1, 1, NOW))
    why = "of 101 recipients in 24 hours 11 bounced, more than 10 %"
    assert telling.told == [why]
    again = made(stores.again(), telling)
    assert run(again.refusal(ANNA)) == Refused("5.7.1", f"your account is suspended from sending: {why}")
    run(again.tell_untold())
    assert telling.told == [why], "told before"
    assert run(again.resume(ANNA))
    assert not run(again.resume(ANNA))
    run(again.settled(ANNA, 50, 50, NOW))
    assert run(again.refusal(ANNA)) is None, "the count begins anew"


def test_complaints_suspend_and_old_ones_do_not() -> None:
    stores, telling = Stores(), Telling()
    suspensions = made(stores, telling)
    run(suspensions.settled(ANNA, 400, 0, NOW))
    run(suspensions.complained(ANNA, NOW))
    assert run(suspensions.of(ANNA)) is None
    run(suspensions.settled(ANNA, 400, 0, NOW + 90_000))
    run(suspensions.complained(ANNA, NOW + 90_000))
    assert run(suspensions.of(ANNA)) is None
    run(suspensions.complained(ANNA, NOW + 90_001))
    assert run(suspensions.of(ANNA)).why == "of 400 recipients in 24 hours 2 complained of it as spam, more than 0.3 %"


def test_who_could_not_be_told_is_told_later() -> None:
    stores, telling = Stores(), Telling()
    telling.works = False
    suspensions = made(stores, telling)
    run(suspensions.suspend(ANNA, "it sends spam", "admin", NOW))
    telling.works = True
    run(made(stores.again(), telling).tell_untold())
    run(suspensions.tell_untold())
    assert telling.told == ["it sends spam"] * 2


def test_the_notice_says_what_and_how_to_lift_it() -> None:
    notice = suspension_notice("mail.example.org", "anna@example.org", "root@example.org", "of 101", 0, "1.0").decode()
    head, _, body = notice.partition("\r\n\r\n")
    assert "To: <root@example.org>" in head
    assert "Date: Thu, 01 Jan 1970 00:00:00 +0000" in head
    assert "of 101" in body
    assert "mailserverd account resume anna@example.org" in body
    assert "\n" not in notice.replace("\r\n", "")
