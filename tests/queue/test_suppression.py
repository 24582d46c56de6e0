"""The suppression list: fed by bounces and complaints, asked for a recipient, overridden by hand."""

import pytest

from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import EVERYBODY, Reason, Suppression
from mailserverd.queue.classification import Kind
from mailserverd.queue.suppression import DAY, SuppressionList, SuppressionSettings, said
from tests.queue.reputation_double import Stores, run

ANNA, BERT = AccountId(1), AccountId(2)
BOB = "bob@elsewhere.example"


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def listed(stores: Stores) -> SuppressionList:
    return made(stores)


def made(stores: Stores, days: int = 180) -> SuppressionList:
    return SuppressionList(stores.reputation, lambda: SuppressionSettings(3, days), lambda name: name == "ours.example")


def reason(listed: SuppressionList, account: AccountId | None = ANNA, mail_class: str = "", now: int = 10):
    found = run(listed.of(BOB, account, [mail_class], now))
    return None if found is None else found.reason


def test_a_hard_bounce_suppresses_for_everybody_until_it_expires_also_after_a_restart(stores: Stores) -> None:
    run(made(stores).bounced("Bob@Elsewhere.EXAMPLE", Kind.HARD, "550 5.1.1\r\nno such user", 0))
    listed = made(stores.again())
    assert reason(listed) == reason(listed, BERT) == reason(listed, None) == Reason.HARD_BOUNCE
    assert reason(listed, now=180 * DAY - 1) == Reason.HARD_BOUNCE
    assert reason(listed, now=180 * DAY) is None
    found = run(listed.of(BOB, ANNA, [], 10))
    assert (found.detail, said(found)) == ("550 5.1.1 no such user", "suppressed: mail to this address bounced")


def test_no_days_means_for_ever(stores: Stores) -> None:
    run(made(stores, 0).bounced(BOB, Kind.HARD, "", 0))
    assert reason(made(stores), now=10**9) == Reason.HARD_BOUNCE


@pytest.mark.parametrize("kind", [each for each in Kind if each is not Kind.HARD])
def test_no_other_failure_suppresses_at_once(listed: SuppressionList, kind: Kind) -> None:
    run(listed.bounced(BOB, kind, "", 0))
    assert reason(listed) is None


def test_soft_bounces_suppress_when_enough_come_in_a_row(listed: SuppressionList) -> None:
    for _ in range(2):
        run(listed.expired(BOB, "", 0))
    run(listed.delivered(BOB))
    for _ in range(2):
        run(listed.expired(BOB, "", 0))
    assert reason(listed) is None
    run(listed.expired(BOB, "451 later", 5))
    assert reason(listed) == Reason.SOFT_BOUNCES


def test_a_complaint_is_about_one_account_and_an_unsubscription_about_one_class(listed: SuppressionList) -> None:
    run(listed.unsubscribed(BOB, ANNA, "bulk", 0))
    assert reason(listed, ANNA, "bulk") == Reason.UNSUBSCRIBED
    assert reason(listed, ANNA, "transactional") is None
    assert reason(listed, BERT, "bulk") is None
    run(listed.complained(BOB, ANNA, "", 0))
    assert reason(listed, ANNA, "transactional", 10**9) == Reason.COMPLAINT
    assert reason(listed, BERT, "bulk") is None


def test_an_override_stands_above_what_is_reported_until_it_is_removed(listed: SuppressionList) -> None:
    run(listed.complained(BOB, ANNA, "", 0))
    run(listed.put(Suppression("BOB@elsewhere.example", Reason.BY_HAND, 0, 100, allowed=True)))
    assert reason(listed) is None
    run(listed.bounced(BOB, Kind.HARD, "", 50))
    assert reason(listed, BERT, now=60) is None, "the report did not replace the override"
    assert reason(listed, now=100) == Reason.COMPLAINT
    assert run(listed.remove("Bob@elsewhere.example")) == 2
    assert reason(listed) is None


def test_a_report_does_not_shorten_what_stands_for_ever(listed: SuppressionList) -> None:
    run(listed.put(Suppression(BOB, Reason.BY_HAND, 0, 0, EVERYBODY, "asked by phone")))
    run(listed.bounced(BOB, Kind.HARD, "", 50))
    assert reason(listed, now=10**9) == Reason.BY_HAND


def test_an_address_of_ours_is_not_suppressed_by_a_report(listed: SuppressionList) -> None:
    run(listed.bounced("x@ours.example", Kind.HARD, "", 0))
    assert run(listed.page("", 10)) == ([], "")


def test_every_reason_has_its_line() -> None:
    assert len({said(Suppression(BOB, each, 0)) for each in Reason}) == len(Reason)
