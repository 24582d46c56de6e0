"""From what a recipient met to its new state."""

from dataclasses import replace

import pytest

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.settlement import Met, after, delay_is_due, is_greylisting, put_off, schedule_of, wants

NOW = 1_780_000_000
ENTRY = QueueEntry("q1", "anna@example.org", None, "", NOW - 100, NOW + 1_000, 10)
ROW = QueuedRecipient("q1", 0, "x@a.example", "a.example", State.IN_FLIGHT, NOW, 2, notify="", orcpt="rfc822;y")
LATER = Met(TryLater("4.2.0", "not now"), 450, "450 4.2.0 not now", "mx[1.2.3.4]:25")


def settled(met: Met, now: int = NOW, entry: QueueEntry = ENTRY) -> QueuedRecipient:
    return after(entry, ROW, met, now, (100, 200), lambda: 0.0)


@pytest.mark.parametrize(
    ("outcome", "state", "status"),
    [
        (Delivered(), State.DELIVERED, "2.0.0"),
        (Refused("5.1.1", "no"), State.FAILED, "5.1.1"),
        (TryLater("4.2.0", "later"), State.DEFERRED, "4.2.0"),
    ],
)
def test_each_outcome(outcome: Outcome, state: State, status: str) -> None:
    row = settled(Met(outcome, 0, "why", "mx[1.2.3.4]:25"))
    assert (row.state, row.last_status, row.attempts, row.last_reply) == (state, status, 3, "why")
    assert (row.orcpt, row.address) == (ROW.orcpt, ROW.address)
    assert (row.finished > 0) == (state is not State.DEFERRED)


def test_an_attempt_is_remembered_with_place_and_words() -> None:
    (tried,) = settled(LATER).history
    assert (tried.at, tried.where, tried.status, tried.reply) == (NOW, "mx[1.2.3.4]:25", "4.2.0", LATER.reply)


def test_the_last_attempt_is_at_the_end_of_its_time() -> None:
    assert settled(LATER).next_attempt == NOW + 200
    assert settled(LATER, NOW + 900).next_attempt == NOW + 1_000
    assert settled(LATER, NOW + 1_000).state is State.EXPIRED
    assert settled(Met(Delivered(), 250, "ok"), NOW + 1_000).state is State.DELIVERED


@pytest.mark.parametrize(
    ("code", "reply", "greylisted"),
    [
        (450, "450 4.2.0 <x@a.example>: Recipient address rejected: Greylisted", True),
        (451, "451 4.7.1 Greylisting in action, please come back later", True),
        (450, "450 4.2.1 mailbox busy", False),
        (0, "connection lost", False),
    ],
)
def test_greylisting_is_known_by_its_words(code: int, reply: str, greylisted: bool) -> None:
    assert is_greylisting(Met(TryLater(reply[4:9], reply), code, reply)) is greylisted
    assert not is_greylisting(Met(Refused("5.7.1", reply), 550, reply))


def test_a_class_may_have_its_own_schedule() -> None:
    outbound = Outbound(classes={"bulk": MailClass(retry_seconds=(7,)), "plain": MailClass()})
    for name, schedule in (("bulk", (7,)), ("plain", outbound.retry_seconds), ("gone", outbound.retry_seconds)):
        assert tuple(schedule_of(replace(ENTRY, mail_class=name), outbound)) == tuple(schedule)


def test_what_is_put_off_is_as_before() -> None:
    row = put_off(ROW, NOW + 50, "warming up")
    assert (row.state, row.attempts, row.next_attempt, row.last_reply) == (State.DEFERRED, 2, NOW + 50, "warming up")
    assert put_off(replace(ROW, attempts=0), NOW + 50, "").state is State.DUE
    assert put_off(replace(ROW, last_reply="450 busy"), NOW + 50, "warming up").last_reply == "450 busy"


@pytest.mark.parametrize(
    ("notify", "failure", "delay", "success"),
    [
        ("", True, True, False),
        ("NEVER", False, False, False),
        ("FAILURE", True, False, False),
        ("DELAY,SUCCESS", False, True, True),
    ],
)
def test_who_wants_to_know(notify: str, failure: bool, delay: bool, success: bool) -> None:
    row = replace(ROW, notify=notify)
    assert [wants(ENTRY, row, what) for what in ("FAILURE", "DELAY", "SUCCESS")] == [failure, delay, success]
    assert not wants(replace(ENTRY, sender=""), row, "FAILURE")


def test_a_delay_is_told_once_and_in_time() -> None:
    row = replace(ROW, state=State.DEFERRED)
    assert not delay_is_due(ENTRY, row, NOW - 1, 100)
    assert delay_is_due(ENTRY, row, NOW, 100)
    assert not delay_is_due(ENTRY, replace(row, told_delay=True), NOW, 100)
    assert not delay_is_due(ENTRY, replace(row, state=State.FAILED), NOW, 100)
    assert not delay_is_due(ENTRY, row, NOW, 0)
    assert delay_is_due(replace(ENTRY, by_mode="N", deliver_by=NOW), row, NOW, 0)
