"""The three LMDB stores of sending against their contracts, over the real environment and its writer."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mailserverd.backends.lmdb.record_access import LmdbRecords
from mailserverd.backends.lmdb.reputation import LmdbReputation
from mailserverd.backends.lmdb.sending_counts import LmdbSendingCounts
from mailserverd.backends.lmdb.sent_messages import LmdbSentMessages
from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.interfaces.sending_counts import SendingCounts
from mailserverd.interfaces.sent_messages import SentMessages
from mailserverd.model.errors import Damaged, TryAgain
from tests.backends.lmdb.embedded import Embedded
from tests.backends.lmdb.test_pending import DictRecords
from tests.contracts.loop import Loop
from tests.contracts.reputation_store import (
    ANNA,
    HARD,
    HOUR,
    ReputationStoreContract,
    SendingCountsContract,
    SentMessagesContract,
)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def records(tmp_path: Path, loop: Loop) -> Iterator[LmdbRecords]:
    embedded = Embedded(tmp_path, loop)
    yield LmdbRecords(embedded.environment, embedded.writer)
    embedded.close()


class TestLmdbReputation(ReputationStoreContract):
    @pytest.fixture
    def store(self, records: LmdbRecords) -> LmdbReputation:
        self.records = records
        return LmdbReputation(records)

    def reopen(self, store: ReputationStore) -> LmdbReputation:
        return LmdbReputation(self.records)

    def test_names_too_long_for_a_key_are_told_apart(self, loop: Loop, store: LmdbReputation) -> None:
        long = "x" * 700
        assert loop.run(store.note_soft(f"{long}1@example.net", 1)) == 1
        assert loop.run(store.note_soft(f"{long}2@example.net", 1)) == 1
        assert loop.run(store.note_soft(f"{long}1@example.net", 1)) == 2


class TestLmdbSendingCounts(SendingCountsContract):
    @pytest.fixture
    def counts(self, records: LmdbRecords) -> LmdbSendingCounts:
        self.records = records
        return LmdbSendingCounts(records)

    def reopen(self, counts: SendingCounts) -> LmdbSendingCounts:
        return LmdbSendingCounts(self.records)


class TestLmdbSentMessages(SentMessagesContract):
    @pytest.fixture
    def messages(self, records: LmdbRecords) -> LmdbSentMessages:
        self.records = records
        return LmdbSentMessages(records)

    def reopen(self, messages: SentMessages) -> LmdbSentMessages:
        return LmdbSentMessages(self.records)


class Scannable(DictRecords):
    def scan(self, prefix: bytes, limit: int = 1_000_000, after: bytes = b"") -> list[tuple[bytes, bytes]]:
        return [item for item in super().scan(prefix) if item[0] > after][:limit]

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        await super().write(puts, deletes)


def test_a_count_that_the_disk_refuses_still_counts_and_goes_with_the_next_one(loop: Loop) -> None:
    records = Scannable()
    counts = LmdbSendingCounts(records)
    records.full = True
    assert loop.run(counts.add(HOUR, "a", 4, 100)) == 4
    with pytest.raises(TryAgain):
        loop.run(counts.written())
    records.full = False
    assert loop.run(counts.add(HOUR, "b", 1, 100)) == 1
    assert loop.run(LmdbSendingCounts(records).total(HOUR, "a", 100)) == 4


def test_counts_that_come_while_one_is_written_share_the_next_write(loop: Loop, records: LmdbRecords) -> None:
    counts = LmdbSendingCounts(records)
    writes = []
    written = records.write

    async def seen(puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        writes.append(len(puts))
        await written(puts, deletes)

    records.write = seen  # type: ignore[method-assign]
    for n in range(100):
        loop.run(counts.add(HOUR, "ab"[n % 2], 1, 100))
    loop.run(counts.know(ANNA, ["x@example.net"], 100))
    loop.run(counts.written())
    assert writes == [1, 3]


DAMAGE = {
    b"Rs": "suppression list",
    b"Rf": "soft bounces",
    b"Ra": "suspension",
    b"Rr": "rest",
    b"Rw": "warm-up",
    b"Rm": "count",
    b"Rt": "sent message",
    b"Ru": "recipients",
}


def test_records_that_cannot_be_read_are_told_and_removed_by_a_repair(tmp_path: Path, loop: Loop) -> None:
    embedded = Embedded(tmp_path, loop)
    records = LmdbRecords(embedded.environment, embedded.writer)
    store = LmdbReputation(records)
    loop.run(store.put_suppression(HARD))
    loop.run(records.write([(prefix + b"x\0", b"\xc1") for prefix in DAMAGE]))
    with pytest.raises(Damaged, match="--repair"):
        loop.run(store.suppression("x", [""]))
    told = sorted(finding.what for finding in embedded.check().findings)
    assert len(told) == len(DAMAGE)
    for noun in DAMAGE.values():
        assert any(noun in each for each in told), noun
    embedded.check(repair=True)
    assert embedded.check().clean
    assert loop.run(store.suppression("x", [""])) == []
    assert loop.run(store.suppression(HARD.address, [""])) == [HARD]
    embedded.close()
