"""The writer: batches, plans that fail, order, early plans; the environment's format record."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, gatherResults

from mailserverd.backends.lmdb.draft import MAX_CHANGES, Draft
from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import FORMAT_KEY, Environment, UnusableStore
from mailserverd.backends.lmdb.gathering import BatchLimits
from mailserverd.backends.lmdb.record_access import LmdbRecords
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.ticket import NotEarly
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.model.errors import Conflict, TryAgain
from tests.contracts.loop import Loop


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    environment = Environment(tmp_path / "db", 1 << 28)
    yield environment
    environment.close()


@pytest.fixture
def writer(loop: Loop, environment: Environment, tmp_path: Path) -> Iterator[Writer]:
    journal = EarlyJournal(tmp_path / "early")
    batches: list[int] = []
    writer = Writer(
        environment,
        journal,
        loop.callFromThread,
        BatchLimits(early_seconds=30.0),
        observe=lambda plans, seconds: batches.append(plans),
    )
    writer.batches = batches  # type: ignore[attr-defined]
    yield writer
    loop.run(writer.stop())
    journal.close()


def put(key: bytes, value: bytes) -> object:
    return lambda step: step.put(key, value)


def test_a_plan_that_fails_leaves_nothing_and_its_neighbours_whole(
    loop: Loop, environment: Environment, writer: Writer
) -> None:
    def refused(step: Step) -> None:
        step.put(b"X", b"never")
        raise Conflict("no")

    def broken(step: Step) -> None:
        step.put(b"Y", b"never")
        raise ZeroDivisionError

    plans = [put(b"a", b"1"), refused, put(b"b", b"2")]
    waiting = [Deferred.fromCoroutine(writer.submit(plan)) for plan in plans]  # type: ignore[arg-type,var-annotated]
    loop.run(waiting[0])
    with pytest.raises(Conflict):
        loop.run(waiting[1])
    loop.run(waiting[2])
    assert (environment.get(b"a"), environment.get(b"b"), environment.get(b"X")) == (b"1", b"2", None)
    with pytest.raises(TryAgain, match="internal"):
        loop.run(writer.submit(broken))
    assert environment.get(b"Y") is None


def test_what_queues_while_a_commit_runs_is_committed_together(loop: Loop, writer: Writer) -> None:
    plans = [writer.submit(put(b"%d" % n, b"x")) for n in range(40)]  # type: ignore[arg-type,var-annotated]
    loop.run(gatherResults([Deferred.fromCoroutine(plan) for plan in plans]))
    batches: list[int] = writer.batches  # type: ignore[attr-defined]
    assert sum(batches) == 40
    assert len(batches) < 40


def test_an_early_plan_is_answered_before_its_commit_and_kept_by_the_next(
    loop: Loop, environment: Environment, writer: Writer
) -> None:
    loop.run(writer.submit(put(b"early", b"1"), early=True))  # type: ignore[arg-type]
    assert environment.get(b"early") is None
    loop.run(writer.submit(put(b"late", b"2")))  # type: ignore[arg-type]
    assert (environment.get(b"early"), environment.get(b"late")) == (b"1", b"2")


def test_a_plan_that_may_not_be_early_waits_and_those_behind_it_too(
    loop: Loop, environment: Environment, writer: Writer
) -> None:
    def cautious(step: Step) -> None:
        if step.early:
            raise NotEarly
        step.put(b"k", (step.get(b"k") or b"") + b"1")

    def behind(step: Step) -> None:
        step.put(b"k", (step.get(b"k") or b"") + b"2")

    both = [writer.submit(plan, order=7, early=True) for plan in (cautious, behind)]
    loop.run(gatherResults([Deferred.fromCoroutine(plan) for plan in both]))
    loop.run(writer.submit(lambda step: None))
    assert environment.get(b"k") == b"12"


def test_after_stop_nothing_is_taken(loop: Loop, writer: Writer) -> None:
    loop.run(writer.stop())
    with pytest.raises(TryAgain):
        loop.run(writer.submit(lambda step: None))


def test_records_are_written_and_deleted_in_one_commit(loop: Loop, environment: Environment, writer: Writer) -> None:
    records = LmdbRecords(environment, writer)
    loop.run(records.write([(b"P1", b"a"), (b"P2", b"b")]))
    loop.run(records.write([(b"P3", b"c")], [b"P1"]))
    assert records.scan(b"P") == [(b"P2", b"b"), (b"P3", b"c")]
    assert records.get(b"P1") is None


def test_a_step_sees_its_own_changes(environment: Environment) -> None:
    transaction = environment.begin_write()
    transaction.put(b"s1", b"a")
    transaction.put(b"s3", b"c")
    step = Step(Draft(transaction))
    step.put(b"s2", b"b")
    step.delete(b"s3")
    assert step.scan(b"s") == [(b"s1", b"a"), (b"s2", b"b")]
    assert step.floor(b"s", b"s9") == (b"s2", b"b")
    assert step.floor(b"s", b"s1") == (b"s1", b"a")
    assert step.floor(b"s", b"s0") is None
    transaction.abort()


def test_another_format_is_refused(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "db", 1 << 28)
    transaction = environment.begin_write()
    transaction.put(FORMAT_KEY, b"mailserverd store 99")
    environment.commit(transaction)
    environment.close()
    with pytest.raises(UnusableStore, match="store 99"):
        Environment(tmp_path / "db", 1 << 28)


def test_a_torn_journal_ends_where_it_is_torn(tmp_path: Path) -> None:
    journal = EarlyJournal(tmp_path / "early")
    journal.append([b"one", b"two"])
    journal.close()
    (tmp_path / "early").write_bytes((tmp_path / "early").read_bytes()[:-1])
    journal = EarlyJournal(tmp_path / "early")
    assert journal.records() == [b"one"]
    journal.clear()
    assert journal.records() == []
    journal.close()


def test_a_plan_reads_what_the_plans_before_it_changed(environment: Environment) -> None:
    draft = Draft(environment.begin_write())
    first = Step(draft)
    first.put(b"s1", b"a")
    first.put_in_group(b"s", b"s2", b"b")
    assert first.has_under(b"s")
    first.spill()
    second = Step(draft)
    assert second.get(b"s1") == b"a"
    assert second.has_under(b"s")
    second.delete(b"s2")
    second.delete(b"s1")
    assert not second.has_under(b"s")
    second.put(b"s3", b"c")
    assert second.scan(b"s") == [(b"s3", b"c")]
    assert draft.transaction.get(b"s2") == b"b", "a scan puts what other plans changed, not what this one may take back"
    assert not second.has_under(b"s2")
    second.spill()
    draft.flush()
    environment.commit(draft.transaction)
    assert environment.scan(b"s") == [(b"s3", b"c")]


def test_a_draft_is_put_before_it_grows_beyond_bounds(environment: Environment) -> None:
    draft = Draft(environment.begin_write())
    draft.take({b"%d" % n: b"x" for n in range(MAX_CHANGES)}, set())
    assert len(draft.changes) == MAX_CHANGES
    draft.take({b"y": b"x"}, set())
    assert draft.changes == {}
    assert draft.get(b"y") == b"x"
    draft.transaction.abort()


def test_what_a_turn_submits_is_handed_over_at_its_end(loop: Loop, environment: Environment, tmp_path: Path) -> None:
    journal, ends, batches = EarlyJournal(tmp_path / "early2"), [], []
    writer = Writer(
        environment,
        journal,
        loop.callFromThread,
        BatchLimits(),
        observe=lambda plans, seconds: batches.append(plans),
        at_turns_end=ends.append,
    )
    waiting = [Deferred.fromCoroutine(writer.submit(put(b"%d" % n, b"x"))) for n in range(10)]  # type: ignore[arg-type,var-annotated]
    assert len(ends) == 1
    ends.pop()()
    loop.run(gatherResults(waiting))
    assert sum(batches) == 10
    late = Deferred.fromCoroutine(writer.submit(put(b"late", b"x")))  # type: ignore[arg-type,var-annotated]
    assert len(ends) == 1  # a new turn has an end of its own
    loop.run(writer.stop())  # which needs not come any more
    loop.run(late)
    assert environment.get(b"late") == b"x"
    journal.close()
