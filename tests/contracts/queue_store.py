"""What every QueueStore does."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from mailserverd.interfaces.queue_store import DueDestination, QueueFilter, QueueStore
from mailserverd.model.errors import NotFound
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import Queued, QueuedRecipient, QueueEntry, State, Tried
from tests.contracts.loop import Loop

NOW = 1_780_000_000
ALL = QueueFilter()
BODY = b"Subject: x\r\n\r\n\x00\xff body\r\n"


def entry(name: str, **more: Any) -> QueueEntry:
    fields = {
        "sender": "anna@example.org", "account_id": AccountId(7), "mail_class": "bulk", "created": NOW,
        "expires": NOW + 1000, "size": len(BODY),
    } | more  # fmt: skip
    return QueueEntry(name, **fields)


def recipients(name: str, *addresses: str, **more: Any) -> list[QueuedRecipient]:
    fields = {"state": State.DUE, "next_attempt": NOW} | more
    return [
        QueuedRecipient(name, position, address, address.rpartition("@")[2], **fields)
        for position, address in enumerate(addresses)
    ]


def addresses(rows: Iterable[Queued]) -> list[str]:
    return [each.recipient.address for each in rows]


class QueueStoreContract:
    """The binding defines the fixtures `loop` and `queue`, and reopen(queue): the same records after a new start."""

    def reopen(self, queue: QueueStore) -> QueueStore:
        raise AssertionError("the binding says how")

    def submit(self, loop: Loop, queue: QueueStore, name: str, *to: str, due: int = NOW, **more: Any) -> None:
        loop.run(queue.submit(entry(name, **more), recipients(name, *to, next_attempt=due), BODY))

    def claimed(self, loop: Loop, queue: QueueStore, destination: str = "a.example", limit: int = 100) -> list[Queued]:
        return loop.run(queue.claim(destination, NOW, limit))

    def delivered(self, rows: Iterable[Queued]) -> list[QueuedRecipient]:
        return [replace(each.recipient, state=State.DELIVERED, finished=NOW) for each in rows]

    def total(self, loop: Loop, queue: QueueStore) -> dict[tuple[str, str], tuple[int, int]]:
        return {(each.state, each.mail_class): each[2:] for each in loop.run(queue.counts())}

    def test_an_entry_comes_back_whole(self, loop: Loop, queue: QueueStore) -> None:
        whole = entry(
            "q1", message_id="m@x", body="BINARYMIME", smtputf8=True, require_tls=True, ret="HDRS", envid="e",
            priority=3, deliver_by=NOW + 9, by_mode="R", forwarded=True,
        )  # fmt: skip
        made = recipients("q1", "ö@a.example", notify="FAILURE", orcpt="rfc822;x")
        loop.run(queue.submit(whole, made, BODY))
        again = self.reopen(queue)
        assert loop.run(again.entry("q1")) == [Queued(whole, made[0])]
        assert loop.run(again.body("q1")) == BODY
        assert loop.run(again.claim("a.example", NOW, 5)) == [Queued(whole, replace(made[0], state=State.IN_FLIGHT))]

    def test_what_is_due_and_when_the_next_is(self, loop: Loop, queue: QueueStore) -> None:
        assert loop.run(queue.next_due()) is None
        self.submit(loop, queue, "q1", "x@a.example", due=NOW + 50)
        self.submit(loop, queue, "q2", "x@b.example", "y@c.example", due=NOW + 20)
        assert loop.run(queue.next_due()) == NOW + 20
        assert loop.run(queue.due_destinations(NOW + 19, 9)) == []
        found = loop.run(queue.due_destinations(NOW + 50, 9))
        assert found[-1] == DueDestination("a.example", NOW + 50)
        assert {each.destination for each in found[:2]} == {"b.example", "c.example"}
        assert len(loop.run(queue.due_destinations(NOW + 50, 2))) == 2
        passing = frozenset({"b.example", "c.example"})
        assert loop.run(queue.due_destinations(NOW + 50, 9, passing)) == [DueDestination("a.example", NOW + 50)]
        assert loop.run(queue.next_due(passing)) == NOW + 50

    def test_what_is_claimed_is_claimed_once(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example", "y@a.example")
        first = self.claimed(loop, queue, limit=1)
        second = self.claimed(loop, queue)
        assert addresses(first) == ["x@a.example"]
        assert addresses(second) == ["y@a.example"]
        assert self.claimed(loop, queue) == []
        loop.run(queue.give_back([first[0].recipient]))
        assert addresses(self.claimed(loop, queue)) == ["x@a.example"]

    def test_a_claim_does_not_outlive_the_process(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        assert self.claimed(loop, queue)
        again = self.reopen(queue)
        assert [each.recipient.state for each in loop.run(again.entry("q1"))] == [State.DUE]
        assert addresses(loop.run(again.claim("a.example", NOW, 9))) == ["x@a.example"]

    def test_a_delivered_message_is_gone(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        loop.run(queue.settle(self.delivered(self.claimed(loop, queue))))
        for each in (queue, self.reopen(queue)):
            assert loop.run(each.entry("q1")) == []
            assert loop.run(each.next_due()) is None
            assert loop.run(each.counts()) == []
            with pytest.raises(NotFound):
                loop.run(each.body("q1"))

    def test_it_stays_until_its_last_recipient_is_final(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example", "y@b.example")
        loop.run(queue.settle(self.delivered(self.claimed(loop, queue))))
        assert [each.recipient.state for each in loop.run(queue.entry("q1"))] == [State.DELIVERED, State.DUE]
        assert addresses(loop.run(queue.page(ALL, "", 9)).rows) == ["y@b.example"]
        loop.run(queue.settle(self.delivered(self.claimed(loop, queue, "b.example"))))
        assert loop.run(queue.entry("q1")) == []
        assert loop.run(queue.counts()) == []

    def test_a_deferred_one_is_due_when_it_says(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        tried = Tried(NOW, "mx[1.2.3.4]:25", "4.2.0", "not now")
        put_off = replace(
            self.claimed(loop, queue)[0].recipient, state=State.DEFERRED, next_attempt=NOW + 60, attempts=1,
            last_status="4.2.0", last_reply="not now", told_delay=True, history=(tried,),
        )  # fmt: skip
        loop.run(queue.settle([put_off]))
        assert self.claimed(loop, queue) == []
        again = self.reopen(queue)
        assert [each.recipient for each in loop.run(again.entry("q1"))] == [put_off]
        assert loop.run(again.claim("a.example", NOW + 59, 9)) == []
        assert loop.run(again.next_due()) == NOW + 60
        claimed = loop.run(again.claim("a.example", NOW + 60, 9))
        assert [each.recipient for each in claimed] == [replace(put_off, state=State.IN_FLIGHT)]

    def test_settling_what_was_not_claimed_changes_nothing(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        loop.run(queue.settle(self.delivered(loop.run(queue.entry("q1")))))
        assert addresses(loop.run(queue.entry("q1"))) == ["x@a.example"]

    def test_submitting_the_same_again_does_nothing(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        self.submit(loop, queue, "q1", "x@a.example")
        assert self.total(loop, queue) == {("due", "bulk"): (1, NOW)}
        assert len(self.claimed(loop, queue)) == 1

    # Order.

    def test_priority_goes_first(self, loop: Loop, queue: QueueStore) -> None:
        for name, priority in (("q1", 0), ("q2", -9), ("q3", 9)):
            self.submit(loop, queue, name, f"{name}@a.example", priority=priority)
        assert addresses(self.claimed(loop, queue)) == ["q3@a.example", "q1@a.example", "q2@a.example"]

    def test_senders_take_turns(self, loop: Loop, queue: QueueStore) -> None:
        for n in range(30):
            self.submit(loop, queue, f"a{n:02}", f"a{n:02}@a.example")
        assert len(self.claimed(loop, queue, limit=10)) == 10
        for n in range(3):
            self.submit(loop, queue, f"b{n}", f"b{n}@a.example", account_id=AccountId(9), sender="bo@example.org")
        order = addresses(self.claimed(loop, queue, limit=8))
        assert {f"b{n}@a.example" for n in range(3)} <= set(order)
        assert sum(each[0] == "a" for each in order) == 5

    def test_senders_take_turns_after_a_new_start_too(self, loop: Loop, queue: QueueStore) -> None:
        for n in range(30):
            self.submit(loop, queue, f"a{n:02}", f"a{n:02}@a.example")
        again = self.reopen(queue)
        self.submit(loop, again, "b", "b@a.example", account_id=None, sender="bo@x", created=NOW + 10, due=NOW)
        assert "b@a.example" in addresses(self.claimed(loop, again, limit=3))

    def test_recipients_of_one_message_stand_together(self, loop: Loop, queue: QueueStore) -> None:
        for name in ("q1", "q2"):
            self.submit(loop, queue, name, *(f"{name}.{n}@a.example" for n in range(3)), account_id=None, sender=name)
        names = [each.entry.queue_id for each in self.claimed(loop, queue)]
        assert names == ["q1"] * 3 + ["q2"] * 3

    def test_retries_do_not_hold_fresh_mail_up_nor_the_other_way_round(self, loop: Loop, queue: QueueStore) -> None:
        for n in range(10):
            self.submit(loop, queue, f"old{n}", f"old{n}@a.example")
        rows = self.claimed(loop, queue)
        loop.run(queue.settle([replace(each.recipient, state=State.DEFERRED, attempts=1) for each in rows]))
        for n in range(10):
            self.submit(loop, queue, f"new{n}", f"new{n}@a.example")
        order = addresses(self.claimed(loop, queue, limit=8))
        assert sum(each.startswith("old") for each in order) == 4

    # The error queue, and steering.

    def failed(self, loop: Loop, queue: QueueStore) -> QueuedRecipient:
        self.submit(loop, queue, "q1", "x@a.example", "y@a.example")
        rows = self.claimed(loop, queue)
        one = replace(rows[0].recipient, state=State.FAILED, last_status="5.1.1", last_reply="no", finished=NOW)
        loop.run(queue.settle([one, *self.delivered(rows[1:])]))
        return one

    def test_what_failed_stands_in_the_error_queue(self, loop: Loop, queue: QueueStore) -> None:
        one = self.failed(loop, queue)
        assert loop.run(queue.page(ALL, "", 9)).rows == []
        again = self.reopen(queue)
        assert [each.recipient for each in loop.run(again.errors(ALL, "", 9)).rows] == [one]
        assert loop.run(again.body("q1")) == BODY
        assert self.total(loop, again)["failed", "bulk"] == (1, NOW)

    def test_it_is_retried_from_there(self, loop: Loop, queue: QueueStore) -> None:
        one = self.failed(loop, queue)
        back = replace(one, state=State.DUE, next_attempt=NOW, address="z@b.example", destination="b.example")
        assert loop.run(queue.update([back])) == 1
        assert loop.run(queue.errors(ALL, "", 9)).rows == []
        assert addresses(self.claimed(loop, queue, "b.example")) == ["z@b.example"]

    def test_or_dropped_and_then_all_of_it_is_gone(self, loop: Loop, queue: QueueStore) -> None:
        one = self.failed(loop, queue)
        assert loop.run(queue.drop([one])) == 1
        assert loop.run(queue.drop([one])) == 0
        assert loop.run(queue.entry("q1")) == []
        assert loop.run(queue.counts()) == []

    def test_what_is_held_waits(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        one = loop.run(queue.entry("q1"))[0].recipient
        assert loop.run(queue.update([replace(one, state=State.HELD)])) == 1
        assert self.claimed(loop, queue) == []
        assert loop.run(queue.next_due()) is None
        assert [each.recipient.state for each in loop.run(queue.page(ALL, "", 9)).rows] == [State.HELD]
        assert loop.run(queue.update([one])) == 1
        assert addresses(self.claimed(loop, queue)) == ["x@a.example"]

    def test_what_is_in_flight_is_left_alone(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        one = loop.run(queue.entry("q1"))[0].recipient
        rows = self.claimed(loop, queue)
        assert loop.run(queue.update([replace(one, state=State.HELD)])) == 0
        assert loop.run(queue.drop([one])) == 0
        assert [each.recipient.state for each in loop.run(queue.page(ALL, "", 9)).rows] == [State.IN_FLIGHT]
        assert self.total(loop, queue) == {("in_flight", "bulk"): (1, NOW)}
        loop.run(queue.settle(self.delivered(rows)))

    def test_a_body_is_replaced(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        for body in (b"y" * 200_000, b"z"):
            loop.run(queue.replace_body("q1", body))
            assert loop.run(self.reopen(queue).body("q1")) == body
        with pytest.raises(NotFound):
            loop.run(queue.replace_body("q2", b"y"))

    # Looking.

    def test_pages_are_whole_and_in_order(self, loop: Loop, queue: QueueStore) -> None:
        for n in range(5):
            self.submit(loop, queue, f"q{n}", "x@a.example", "y@b.example")
        seen: list[str] = []
        after = ""
        while True:
            page = loop.run(queue.page(ALL, after, 3))
            seen += [f"{each.entry.queue_id}/{each.recipient.position}" for each in page.rows]
            after = page.after
            if not after:
                break
        assert seen == [f"q{n}/{position}" for n in range(5) for position in range(2)]

    @pytest.mark.parametrize(
        ("wanted", "count"),
        [
            (QueueFilter(domain="a.example"), 2),
            (QueueFilter(account="BO@example.org"), 2),
            (QueueFilter(mail_class="notice"), 2),
            (QueueFilter(queue_id="q1"), 2),
            (QueueFilter(queue_id="q"), 0),
            (QueueFilter(domain="a.example", queue_id="q2"), 1),
            (QueueFilter(states=frozenset({State.DEFERRED})), 0),
            (QueueFilter(states=frozenset({State.DUE, State.HELD})), 4),
        ],
    )
    def test_filters(self, loop: Loop, queue: QueueStore, wanted: QueueFilter, count: int) -> None:
        self.submit(loop, queue, "q1", "x@a.example", "y@b.example")
        self.submit(loop, queue, "q2", "x@a.example", "y@b.example", sender="bo@example.org", mail_class="notice")
        assert len(loop.run(queue.page(wanted, "", 9)).rows) == count

    def test_counts_follow_every_change(self, loop: Loop, queue: QueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example", "y@a.example", created=NOW - 5_000)
        self.submit(loop, queue, "q2", "x@a.example", created=NOW - 10)
        self.submit(loop, queue, "q3", "x@b.example", mail_class="notice")
        assert self.total(loop, queue) == {("due", "bulk"): (3, NOW - 5_000), ("due", "notice"): (1, NOW)}
        rows = self.claimed(loop, queue, limit=2)
        assert self.total(loop, queue)["in_flight", "bulk"] == (2, NOW - 5_000)
        settled = [replace(each.recipient, state=State.DEFERRED, next_attempt=NOW + 5) for each in rows]
        loop.run(queue.settle(settled))
        assert self.total(loop, queue)["deferred", "bulk"] == (2, NOW - 5_000)
        assert self.total(loop, self.reopen(queue))["due", "bulk"] == (1, NOW - 10)

    # Many recipients.

    def test_thousands_of_recipients_are_one_entry(self, loop: Loop, queue: QueueStore) -> None:
        many = [f"r{n}@{'ab'[n % 2]}.example" for n in range(1_300)]
        self.submit(loop, queue, "q1", *many)
        seen: list[Queued] = []
        for _ in range(100):
            for destination in ("a.example", "b.example"):
                rows = self.claimed(loop, queue, destination, 200)
                seen += rows
                loop.run(queue.settle(self.delivered(rows)))
            if len(seen) == len(many):
                break
        assert sorted(addresses(seen)) == sorted(many)
        assert loop.run(queue.entry("q1")) == []
        assert loop.run(queue.counts()) == []
        assert loop.run(queue.next_due()) is None
