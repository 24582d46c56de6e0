"""LmdbQueueStore against the contract, and what only it must do."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from mailserverd.backends.lmdb.blob_references import BlobReferences
from mailserverd.backends.lmdb.environment import Environment, WriteFailed
from mailserverd.backends.lmdb.queue_plans import SLICE
from mailserverd.backends.lmdb.queue_store import INLINE_OCTETS, LmdbQueueStore
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.mailstore.blob_sweep import BlobSweep
from mailserverd.model.errors import LimitReached, TryAgain
from mailserverd.model.queue_entry import State
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.queue_store import ALL, NOW, QueueStoreContract, addresses, entry, recipients


def opened(store: Embedded) -> LmdbQueueStore:
    queue = LmdbQueueStore(store.environment, store.writer, store.blobs)
    store.loop.run(queue.start())
    return queue


class TestLmdbQueueStore(QueueStoreContract):
    @pytest.fixture
    def loop(self) -> Loop:
        return Loop()

    @pytest.fixture
    def store(self, loop: Loop, tmp_path: Path) -> Iterator[Embedded]:
        store = Embedded(tmp_path, loop)
        yield store
        store.close()

    @pytest.fixture
    def queue(self, store: Embedded) -> LmdbQueueStore:
        self.store = store
        return opened(store)

    def reopen(self, queue: QueueStore) -> LmdbQueueStore:
        return opened(self.store)

    # What only it must do.

    def test_a_large_body_is_a_blob_that_the_sweep_keeps(
        self, loop: Loop, store: Embedded, queue: LmdbQueueStore
    ) -> None:
        body = b"x" * (INLINE_OCTETS + 1) + os.urandom(3 << 20)
        loop.run(queue.submit(entry("q1"), recipients("q1", "x@a.example"), body))
        references = BlobReferences(store.environment, store.threads)
        sweep = BlobSweep(store.blobs, references.collect, Clock())
        for _ in range(3):
            assert loop.run(sweep.sweep_once()) == 0
        assert loop.run(queue.body("q1")) == body
        loop.run(queue.settle(self.delivered(self.claimed(loop, queue))))
        assert loop.run(sweep.sweep_once()) == 1

    def test_nothing_is_left_of_what_is_over(self, loop: Loop, store: Embedded, queue: LmdbQueueStore) -> None:
        for name, count in (("q1", 1), ("q2", 3), ("q3", SLICE + 20)):
            self.submit(loop, queue, name, *(f"r{n}@a.example" for n in range(count)))
        while rows := self.claimed(loop, queue):
            loop.run(queue.settle(self.delivered(rows)))
        background(store)
        self.submit(loop, queue, "last", "x@b.example")
        loop.run(queue.drop([each.recipient for each in loop.run(queue.entry("last"))]))
        assert store.environment.scan(b"Q") == []

    def test_half_of_a_staged_entry_is_never_seen_and_cleared_away(
        self, loop: Loop, store: Embedded, queue: LmdbQueueStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> None:
            raise TryAgain("as if the process ended here")

        with monkeypatch.context() as patched:
            patched.setattr("mailserverd.backends.lmdb.queue_store.published", fails)
            with pytest.raises(TryAgain):
                self.submit(loop, queue, "q1", *(f"r{n}@a.example" for n in range(SLICE + 20)))
        assert loop.run(queue.entry("q1")) == []
        assert loop.run(queue.page(ALL, "", 9)).rows == []
        assert loop.run(queue.next_due()) is None
        assert store.environment.scan(b"Q") != []
        self.reopen(queue)
        background(store)
        assert store.environment.scan(b"Q") == []

    def test_a_published_entry_is_placed_by_the_next_start(
        self, loop: Loop, queue: LmdbQueueStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> None:
            raise TryAgain("as if the process ended here")

        with monkeypatch.context() as patched:
            patched.setattr("mailserverd.backends.lmdb.queue_store.worked", fails)
            self.submit(loop, queue, "q1", *(f"r{n}@a.example" for n in range(SLICE + 20)))
        assert self.claimed(loop, queue) == []
        assert len(loop.run(queue.page(ALL, "", SLICE + 20)).rows) == SLICE + 20
        again = self.reopen(queue)
        background(self.store)
        assert len(self.claimed(loop, again, limit=1_000)) == SLICE + 20

    def test_a_commit_that_fails_settles_nothing(
        self, loop: Loop, queue: LmdbQueueStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        rows = self.claimed(loop, queue)
        with monkeypatch.context() as patched:
            patched.setattr("mailserverd.backends.lmdb.environment.Environment.commit", no_space)
            with pytest.raises(TryAgain):
                loop.run(queue.settle(self.delivered(rows)))
        assert self.claimed(loop, queue) == []
        assert addresses(loop.run(queue.entry("q1"))) == ["x@a.example"]
        loop.run(queue.settle(self.delivered(rows)))
        assert loop.run(queue.entry("q1")) == []

    def test_a_destination_that_no_key_holds_is_refused(self, loop: Loop, queue: LmdbQueueStore) -> None:
        for domain in ("x" * 256, "ö.example", ""):
            with pytest.raises(LimitReached):
                self.submit(loop, queue, "q1", f"x@{domain}")

    def test_the_end_of_what_was_due_is_noted(self, loop: Loop, queue: LmdbQueueStore) -> None:
        self.submit(loop, queue, "q1", "x@a.example")
        rows = self.claimed(loop, queue)
        loop.run(queue.settle([replace(rows[0].recipient, state=State.DEFERRED, next_attempt=NOW + 99)]))
        assert self.claimed(loop, queue) == []
        assert loop.run(queue.due_destinations(NOW + 98, 9)) == []
        assert loop.run(queue.next_due()) == NOW + 99

    def test_many_claims_at_once_that_find_nothing(self, loop: Loop, queue: LmdbQueueStore) -> None:
        """More than LMDB has places for readers."""
        for n in range(100):
            self.submit(loop, queue, f"q{n}", f"x@d{n}.example")
            rows = self.claimed(loop, queue, f"d{n}.example")
            loop.run(queue.settle([replace(rows[0].recipient, state=State.DEFERRED, next_attempt=NOW + 99)]))
        claims = [Deferred.fromCoroutine(queue.claim(f"d{n}.example", NOW, 9)) for n in range(100)]
        assert loop.run(gatherResults(claims)) == [[]] * 100
        assert loop.run(queue.next_due()) == NOW + 99


def background(store: Embedded) -> None:
    """Large steps are done one after the other."""
    for _ in range(5):
        store.loop.run(store.writer.submit(lambda step: None, large=True))


def no_space(environment: Environment, transaction: Any) -> None:
    transaction.abort()
    raise WriteFailed("no space left")
