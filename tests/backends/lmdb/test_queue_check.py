"""store check over the outbound queue: each damage is found, and mended where something tells what it was."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from mailserverd.backends.lmdb.queue_plans import SLICE
from mailserverd.backends.lmdb.queue_store import INLINE_OCTETS, LmdbQueueStore
from mailserverd.backends.lmdb.step import Step
from mailserverd.model.queue_entry import QueuedRecipient, State
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.queue_store import ALL, BODY, NOW, entry, recipients


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Embedded]:
    opened = Embedded(tmp_path, Loop())
    yield opened
    opened.close()


@pytest.fixture
def queue(store: Embedded) -> LmdbQueueStore:
    """Of every kind of record some."""
    queue = LmdbQueueStore(store.environment, store.writer, store.blobs)
    run = store.loop.run
    run(queue.submit(entry("q1"), recipients("q1", "x@a.example"), BODY))
    run(queue.submit(entry("q2"), recipients("q2", *(f"r{n}@b.example" for n in range(6))), BODY))
    run(queue.submit(entry("q3"), recipients("q3", "x@c.example"), b"x" * (INLINE_OCTETS + 1)))
    states = [State.DELIVERED, State.FAILED, State.DEFERRED, State.EXPIRED]
    rows = run(queue.claim("b.example", NOW, 4))
    run(queue.settle([replace(each.recipient, state=state) for each, state in zip(rows, states, strict=True)]))
    run(queue.update([replace(run(queue.entry("q2"))[5].recipient, state=State.HELD)]))
    return queue


def found(store: Embedded, repair: bool = False) -> list[str]:
    return [each.what for each in store.check(repair).findings]


def change(store: Embedded, plan: Callable[[Step], None]) -> None:
    store.loop.run(store.writer.submit(plan))


def first(store: Embedded, prefix: bytes) -> bytes:
    return store.environment.scan(prefix, 1)[0][0]


def test_nothing_is_wrong(store: Embedded, queue: LmdbQueueStore) -> None:
    assert found(store) == []


@pytest.mark.parametrize("prefix", [b"Qk", b"Qr", b"Qw", b"Qm", b"Qn", b"Qc"])
def test_what_can_be_counted_anew_is_mended(store: Embedded, queue: LmdbQueueStore, prefix: bytes) -> None:
    key = first(store, prefix)
    change(store, lambda step: step.delete(key))
    assert found(store, repair=True) != []
    assert found(store) == []
    assert len(store.loop.run(queue.page(ALL, "", 100)).rows) == 5
    assert store.loop.run(queue.due_destinations(NOW, 9)) != []


@pytest.mark.parametrize(
    "key",
    [b"Qpq9\0\0\0\0\1", b"Qzq9\0\0\0\0\1", b"Qbq9", b"Qkq9", b"Qrz.example\0123456789q1\0\0\0\0\0", b"Qn12345678z"],
)
def test_what_belongs_to_nothing_goes(store: Embedded, queue: LmdbQueueStore, key: bytes) -> None:
    change(store, lambda step: step.put(key, b""))
    assert len(found(store, repair=True)) == 1
    assert store.environment.get(key) is None
    assert found(store) == []


@pytest.mark.parametrize("prefix", [b"Qm", b"Qc"])
def test_a_wrong_sum_is_put_right(store: Embedded, queue: LmdbQueueStore, prefix: bytes) -> None:
    key = first(store, prefix)
    change(store, lambda step: step.put(key, b"\0" * 15 + b"\x09"))
    assert len(found(store, repair=True)) >= 1
    assert found(store) == []


def test_lost_octets_are_told(store: Embedded, queue: LmdbQueueStore) -> None:
    change(store, lambda step: step.delete(b"Qbq1"))
    (finding,) = store.check(repair=True).findings
    assert finding.severity == "loss"
    assert "lost its octets" in finding.what
    store.loop.run(queue.drop([store.loop.run(queue.entry("q1"))[0].recipient]))
    assert found(store) == []


def test_a_lost_blob_is_told(store: Embedded, queue: LmdbQueueStore, tmp_path: Path) -> None:
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file() and len(path.name) > 50:
            path.unlink()
    (what,) = found(store)
    assert "queued message b'q3'" in what


@pytest.mark.parametrize("prefix", [b"Qe", b"Qp"])
def test_what_is_unreadable_is_told_and_holds_nobody_up(store: Embedded, queue: LmdbQueueStore, prefix: bytes) -> None:
    key = first(store, prefix)
    change(store, lambda step: step.put(key, b"\xc1"))
    assert any("unreadable" in each for each in found(store))
    assert store.loop.run(queue.claim("a.example", NOW, 9)) == []
    assert len(store.loop.run(queue.claim("b.example", NOW, 9))) == 2
    assert len(store.loop.run(queue.page(ALL, "", 100)).rows) == 4
    assert store.loop.run(queue.entry("q1")) == []


@pytest.mark.parametrize("seed", range(4))
def test_after_anything_at_all_nothing_is_wrong(store: Embedded, seed: int) -> None:
    random, run = Random(seed), store.loop.run
    queue = LmdbQueueStore(store.environment, store.writer, store.blobs)
    for step in range(150):
        what = random.random()
        destination = f"d{random.randrange(3)}.example"
        if what < 0.35:
            many = random.choice([1, 1, 1, 2, 5, SLICE + 3 if step % 50 == 0 else 3])
            to = [f"r{n}@d{random.randrange(3)}.example" for n in range(many)]
            made = entry(f"q{step:03}", priority=random.randrange(-2, 3), mail_class=random.choice(["", "bulk"]))
            due = NOW + random.choice([0, 0, 50])
            run(queue.submit(made, recipients(made.queue_id, *to, next_attempt=due), BODY))
        elif what < 0.75:
            rows = run(queue.claim(destination, NOW + 60, random.randrange(1, 30)))
            some = rows[: random.randrange(len(rows) + 1)]
            run(queue.give_back([each.recipient for each in rows[len(some) :]]))
            states = [State.DELIVERED, State.DELIVERED, State.DEFERRED, State.FAILED, State.EXPIRED]
            run(queue.settle([_now(each.recipient, random.choice(states), random) for each in some]))
        else:
            read = random.choice([queue.page, queue.errors])
            steered = [each.recipient for each in run(read(ALL, "", 20)).rows]
            some = random.sample(steered, min(len(steered), 5))
            if random.random() < 0.4:
                run(queue.drop(some))
            else:
                states = [State.HELD, State.DUE, State.DEFERRED]
                run(queue.update([_now(each, random.choice(states), random) for each in some]))
    for _ in range(5):
        run(store.writer.submit(lambda step: None, large=True))
    assert found(store) == []


def _now(recipient: QueuedRecipient, state: State, random: Random) -> QueuedRecipient:
    return replace(recipient, state=state, next_attempt=NOW + random.randrange(60))
