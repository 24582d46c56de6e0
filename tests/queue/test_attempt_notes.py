"""What the ends of deliveries mean for the suppression list and for the account's rates."""

import pytest

from mailserverd.model.errors import TryAgain
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.model.reputation import Reason
from mailserverd.queue.attempt_notes import AttemptNotes
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.parts import Attempt
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import BOUNCES, RECIPIENTS, Suspensions, SuspensionSettings
from tests.queue.reputation_double import Stores, run
from tests.queue.test_suspension import Telling

ANNA = AccountId(1)
ENTRY = QueueEntry("q1", "anna@example.org", ANNA, "", 0, 1_000, 10)
FORWARD = QueueEntry("q2", "x@far.example", None, "", 0, 1_000, 10)


class Noted:
    def __init__(self, soft: int = 2) -> None:
        self.stores = Stores()
        self.suppression = SuppressionList(
            self.stores.reputation, lambda: SuppressionSettings(soft, 180), lambda _: False
        )
        suspensions = Suspensions(
            self.stores.reputation, self.stores.counts, lambda: SuspensionSettings(1_000, 10, 1), Telling()
        )
        self.notes = AttemptNotes(self.suppression, suspensions, known_phrases(), lambda: 10)

    def reason(self, address: str) -> Reason | None:
        found = run(self.suppression.of(address, None, [], 10))
        return None if found is None else found.reason

    def counts(self) -> tuple[int, int]:
        recipients, bounces = (run(self.stores.counts.total(each, "1", 10)) for each in (RECIPIENTS, BOUNCES))
        return recipients, bounces


def attempt(address: str, kind: str, outcome: Outcome, code: int, reply: str, entry: QueueEntry = ENTRY) -> Attempt:
    status = "" if isinstance(outcome, Delivered) else outcome.status
    state = State.DELIVERED if kind == "delivered" else State.FAILED
    recipient = QueuedRecipient(entry.queue_id, 0, address, "x.example", state, 0, 1, status, reply)
    return Attempt(entry, recipient, kind, outcome, code, reply)


def test_the_ends_of_a_batch() -> None:
    noted = Noted()
    noted.notes.attempted(
        [
            attempt("a@x.example", "delivered", Delivered(), 250, "250 ok"),
            attempt("b@x.example", "failed", Refused("5.1.1", ""), 550, "550 5.1.1 no such user"),
            attempt("c@x.example", "failed", Refused("5.7.1", ""), 550, "550 5.7.1 spam"),
            attempt("d@x.example", "failed", Refused("5.1.2", ""), 0, "the domain does not exist"),
            attempt("e@x.example", "deferred", TryLater("4.2.0", ""), 450, "450 later"),
            attempt("f@x.example", "suppressed", Refused("5.7.1", ""), 0, "suppressed"),
            attempt("g@x.example", "failed", Refused("5.1.1", ""), 550, "550 5.1.1 no such user", FORWARD),
        ]
    )
    assert {name: noted.reason(f"{name}@x.example") for name in "abcdefg"} == {
        "a": None,
        "b": Reason.HARD_BOUNCE,
        "c": None,
        "d": Reason.HARD_BOUNCE,
        "e": None,
        "f": None,
        "g": Reason.HARD_BOUNCE,
    }
    assert noted.counts() == (4, 2)


def test_what_expires_again_and_again_is_suppressed() -> None:
    noted = Noted()
    late = attempt("a@x.example", "expired", TryLater("4.4.1", ""), 0, "connection refused")
    noted.notes.attempted([late])
    noted.notes.attempted([attempt("a@x.example", "delivered", Delivered(), 250, "250 ok")])
    noted.notes.attempted([late])
    assert noted.reason("a@x.example") is None
    noted.notes.attempted([late])
    assert noted.reason("a@x.example") == Reason.SOFT_BOUNCES


def test_what_only_waited_for_us_says_nothing_of_the_address() -> None:
    noted = Noted()
    for _ in range(3):
        noted.notes.attempted([attempt("a@x.example", "expired", TryLater("4.4.7", ""), 0, "the account is suspended")])
    assert noted.reason("a@x.example") is None


def test_a_store_that_fails_fails_nothing_else() -> None:
    noted = Noted()
    noted.stores.records.full = True
    bounced = attempt("b@x.example", "failed", Refused("5.1.1", ""), 550, "550 5.1.1 no such user")
    noted.notes.attempted([bounced])
    with pytest.raises(TryAgain):
        run(noted.notes.note([bounced], 10))
    noted.stores.records.full = False
    assert noted.reason("b@x.example") is None
