"""What an account may send: the order of the refusals, and what stops an attempt."""

from mailserverd.model.account import Account
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.model.reputation import Reason, Suppression
from mailserverd.queue.caps import Caps, CapSettings
from mailserverd.queue.classification import Kind
from mailserverd.queue.parts import Wait
from mailserverd.queue.sending_rules import SUSPENDED_WAIT_SECONDS, AccountRules
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import Suspensions, SuspensionSettings
from tests.queue.reputation_double import Stores, run
from tests.queue.test_suspension import Telling

ANNA = Account(AccountId(1), "anna@example.org", mail_class="bulk")
BOB, EVE = "bob@elsewhere.example", "eve@elsewhere.example"
ENTRY = QueueEntry("q1", "anna@example.org", ANNA.account_id, "bulk", 0, 1_000, 10)


class Rules:
    def __init__(self) -> None:
        self.stores = stores = Stores()
        self.suspensions = Suspensions(
            stores.reputation, stores.counts, lambda: SuspensionSettings(100, 10, 0.3), Telling()
        )
        self.suppression = SuppressionList(stores.reputation, lambda: SuppressionSettings(5, 180), lambda _: False)
        caps = Caps(stores.counts, lambda: CapSettings(1, 0, 0))
        self.all = AccountRules(self.suspensions, self.suppression, caps, stores.sent)


def recipients(*addresses: str) -> list[QueuedRecipient]:
    return [
        QueuedRecipient("q1", position, each, "elsewhere.example", State.DUE, 0)
        for position, each in enumerate(addresses)
    ]


def test_a_recipient_is_refused_for_one_reason_at_a_time() -> None:
    rules = Rules()
    assert run(rules.all.recipient(ANNA, BOB, 0)) is None
    run(rules.all.message(ANNA, [BOB], 0))
    assert isinstance(run(rules.all.recipient(ANNA, BOB, 0)), TryLater)
    run(rules.suppression.bounced(BOB, Kind.HARD, "", 0))
    assert run(rules.all.recipient(ANNA, BOB, 0)) == Refused("5.7.1", "suppressed: mail to this address bounced")
    run(rules.suspensions.suspend(ANNA.account_id, "spam", "admin", 0))
    assert (
        run(rules.all.recipient(ANNA, BOB, 0))
        == Refused("5.7.1", "your account is suspended from sending: spam")
        == run(rules.all.message(ANNA, [BOB], 0))
    )


def test_an_unsubscription_is_refused_at_once_where_the_account_has_no_other_class() -> None:
    rules = Rules()
    run(rules.suppression.unsubscribed(BOB, ANNA.account_id, "bulk", 0))
    assert isinstance(run(rules.all.recipient(ANNA, BOB, 0)), Refused)
    several = Account(ANNA.account_id, ANNA.address, mail_class="bulk", mail_classes=("transactional",))
    assert run(rules.all.recipient(several, BOB, 0)) is None, "the message may name the other class"


def test_an_attempt_is_stopped_for_those_that_are_suppressed_by_now() -> None:
    rules = Rules()
    assert run(rules.all.stopped(ENTRY, recipients(BOB, EVE), 5)) == {}
    run(rules.suppression.unsubscribed(EVE, ANNA.account_id, "bulk", 0))
    stopped = run(rules.all.stopped(ENTRY, recipients(BOB, EVE), 5))
    assert stopped == {1: Refused("5.7.1", "suppressed: its owner unsubscribed from this mail")}


def test_all_waits_while_the_account_is_suspended() -> None:
    rules = Rules()
    run(rules.suspensions.suspend(ANNA.account_id, "spam", "admin", 0))
    stopped = run(rules.all.stopped(ENTRY, recipients(BOB, EVE), 5))
    assert stopped == {
        n: Wait(5 + SUSPENDED_WAIT_SECONDS, "the account is suspended from sending: spam") for n in (0, 1)
    }
    run(rules.suspensions.resume(ANNA.account_id))
    assert run(rules.all.stopped(ENTRY, recipients(BOB), 5)) == {}


def test_our_own_reports_are_owed_also_to_who_is_suppressed() -> None:
    rules = Rules()
    run(rules.suppression.put(Suppression(BOB, Reason.BY_HAND, 0)))
    report = QueueEntry("q1", "", None, "", 0, 1_000, 10)
    assert run(rules.all.stopped(report, recipients(BOB), 5)) == {}
    forward = QueueEntry("q1", "x@far.example", None, "", 0, 1_000, 10)
    assert set(run(rules.all.stopped(forward, recipients(BOB), 5))) == {0}


def test_what_an_account_sends_is_remembered_for_reports() -> None:
    rules = Rules()
    run(rules.all.accepted(ENTRY, [BOB, EVE]))
    run(rules.all.accepted(QueueEntry("q2", "x@far.example", None, "", 0, 1_000, 10), [BOB]))
    assert run(rules.stores.sent.position("q1", EVE)) == 1
    assert run(rules.stores.sent.sent("q1")).recipients == 2
    assert run(rules.stores.sent.sent("q2")) is None
    rules.stores.records.full = True
    run(rules.all.accepted(ENTRY, [BOB]))
