"""LmdbPending against the contract, over records in a dict, and what only it must do."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mailserverd.backends.lmdb.pending import MAX_DUE_OCTETS, LmdbPending
from mailserverd.interfaces.pending_deliveries import PendingDeliveries
from mailserverd.model.errors import TryAgain
from tests.contracts.loop import Loop
from tests.contracts.pending_deliveries import FIRST, PendingDeliveriesContract


class DictRecords:
    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}
        self.written: list[bytes] = []
        self.full = False

    def get(self, key: bytes) -> bytes | None:
        return self.stored.get(key)

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return sorted((key, value) for key, value in self.stored.items() if key.startswith(prefix))

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        if self.full:
            raise TryAgain("full")
        self.stored.update(puts)
        self.written.extend(key for key, _ in puts)
        for key in deletes:
            self.stored.pop(key, None)


class TestLmdbPending(PendingDeliveriesContract):
    @pytest.fixture
    def loop(self) -> Loop:
        return Loop()

    @pytest.fixture
    def pending(self) -> LmdbPending:
        self.records = DictRecords()
        return LmdbPending(self.records)

    def reopen(self, pending: PendingDeliveries) -> LmdbPending:
        return LmdbPending(self.records)

    def test_a_new_try_does_not_write_the_message_again(self, loop: Loop, pending: LmdbPending) -> None:
        loop.run(pending.put(FIRST))
        del self.records.written[:]
        loop.run(pending.put(replace(FIRST, due_at=9_000, attempts=2)))
        assert self.records.written == [b"Pr" + FIRST.key]
        assert loop.run(pending.due(9_000, 1)) == [replace(FIRST, due_at=9_000, attempts=2)]

    def test_a_refused_write_changes_nothing(self, loop: Loop, pending: LmdbPending) -> None:
        loop.run(pending.put(FIRST))
        self.records.full = True
        with pytest.raises(TryAgain):
            loop.run(pending.put(replace(FIRST, due_at=1)))
        with pytest.raises(TryAgain):
            loop.run(pending.remove(FIRST.key))
        assert loop.run(pending.due(FIRST.due_at - 1, 10)) == []
        assert loop.run(pending.due(FIRST.due_at, 10)) == [FIRST]

    def test_big_messages_are_read_a_few_at_a_time(self, loop: Loop, pending: LmdbPending) -> None:
        big = b"x" * (MAX_DUE_OCTETS // 2 + 1)
        for key in (b"a", b"b", b"c"):
            loop.run(pending.put(replace(FIRST, key=key, message=big)))
        assert [record.key for record in loop.run(pending.due(9_000, 10))] == [b"a"]

    def test_one_message_above_the_bound_is_still_read(self, loop: Loop, pending: LmdbPending) -> None:
        loop.run(pending.put(replace(FIRST, message=b"x" * (MAX_DUE_OCTETS + 1))))
        assert len(loop.run(pending.due(9_000, 10))) == 1
