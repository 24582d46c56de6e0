"""What every PendingDeliveries does."""

from dataclasses import replace

from mailserverd.interfaces.pending_deliveries import PendingDeliveries, PendingDelivery
from tests.contracts.loop import Loop

FIRST = PendingDelivery(
    key=b"q1/7",
    recipient="anna@example.org",
    reverse_path="bö@example.net",
    message=b"Subject: x\r\n\r\n\x00\xff body\r\n",
    accepted_at=1_000,
    due_at=1_300,
    attempts=1,
    last_error="the disk is full",
)


class PendingDeliveriesContract:
    """The binding defines the fixtures `loop` and `pending`, and reopen(pending)."""

    def reopen(self, pending: PendingDeliveries) -> PendingDeliveries:
        """The same records as a new start of the server sees them."""
        raise AssertionError("the binding says how")

    def test_a_record_comes_back_whole_when_it_is_due(self, loop: Loop, pending: PendingDeliveries) -> None:
        loop.run(pending.put(FIRST))
        assert loop.run(pending.due(1_299, 10)) == []
        assert loop.run(pending.due(1_300, 10)) == [FIRST]
        assert loop.run(pending.count()) == 1

    def test_it_is_there_after_a_new_start(self, loop: Loop, pending: PendingDeliveries) -> None:
        loop.run(pending.put(FIRST))
        again = self.reopen(pending)
        assert loop.run(again.due(2_000, 10)) == [FIRST]
        assert loop.run(again.count()) == 1

    def test_those_longest_due_come_first_and_no_more_than_asked(self, loop: Loop, pending: PendingDeliveries) -> None:
        records = [replace(FIRST, key=b"q%d" % n, due_at=2_000 - n) for n in range(5)]
        for record in records:
            loop.run(pending.put(record))
        assert loop.run(pending.due(3_000, 3)) == [records[4], records[3], records[2]]

    def test_putting_again_replaces(self, loop: Loop, pending: PendingDeliveries) -> None:
        loop.run(pending.put(FIRST))
        later = replace(FIRST, due_at=5_000, attempts=2, last_error="again", message=b"other octets")
        loop.run(pending.put(later))
        assert loop.run(pending.due(4_999, 10)) == []
        assert loop.run(self.reopen(pending).due(5_000, 10)) == [later]
        assert loop.run(pending.count()) == 1

    def test_what_was_removed_is_gone_and_removing_twice_is_harmless(
        self, loop: Loop, pending: PendingDeliveries
    ) -> None:
        loop.run(pending.put(FIRST))
        loop.run(pending.remove(FIRST.key))
        loop.run(pending.remove(FIRST.key))
        assert loop.run(pending.due(9_999, 10)) == []
        again = self.reopen(pending)
        assert loop.run(again.due(9_999, 10)) == []
        assert loop.run(again.count()) == 0
