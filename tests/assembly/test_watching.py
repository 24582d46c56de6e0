"""The reactor's delay is measured, and traces reach the disk without holding anybody up."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from mailserverd.assembly.watching import LogWriter, ReactorDelay, TraceWriter
from mailserverd.telemetry.log import RotatingFile
from mailserverd.telemetry.log_batch import LogBatch
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace, find

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


def at_once(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    return succeed(function(*arguments))


def test_a_punctual_reactor_and_a_late_one() -> None:
    clock, metrics = Clock(), Metrics()
    delay = ReactorDelay(clock, metrics)
    Deferred.fromCoroutine(delay.start())
    clock.pump([0.5, 0.5])
    assert metrics.reactor_delay.of().counts[0] == 2
    clock.advance(0.7)
    assert metrics.reactor_delay.of().total == pytest.approx(0.2)
    clock.advance(0.3)
    assert metrics.reactor_delay.of().counts[0] == 3
    Deferred.fromCoroutine(delay.stop())
    clock.advance(5)
    assert sum(metrics.reactor_delay.of().counts) == 4


def test_log_lines_wait_a_tenth_of_a_second_while_the_server_runs(tmp_path: Path) -> None:
    sink = RotatingFile(tmp_path / "log", 1000, 1)
    lines, clock = LogBatch(sink), Clock()
    made = LogWriter(lines, clock)
    Deferred.fromCoroutine(made.start())
    lines.write("a\n", False)
    assert (tmp_path / "log").read_text() == ""
    clock.advance(0.1)
    assert (tmp_path / "log").read_text() == "a\n"
    Deferred.fromCoroutine(made.stop())
    lines.write("b\n", False)
    assert (tmp_path / "log").read_text() == "a\nb\n"
    assert clock.getDelayedCalls() == []
    sink.close()


def writer(folder: Path, clock: Clock, in_thread: Callable[..., Deferred[Any]] = at_once) -> tuple[Trace, TraceWriter]:
    trace = Trace(lambda: NOON)
    made = TraceWriter(trace, folder, clock, lambda: NOON, in_thread)
    made.set_days(14)
    Deferred.fromCoroutine(made.start())
    return trace, made


def test_events_are_written_every_second_and_at_the_end(tmp_path: Path) -> None:
    clock = Clock()
    trace, made = writer(tmp_path, clock)
    trace.record("a", queue_id="q")
    assert list(find(tmp_path, "q")) == []
    clock.advance(1)
    assert [event["event"] for event in find(tmp_path, "q")] == ["a"]
    trace.record("b", queue_id="q")
    Deferred.fromCoroutine(made.stop())
    assert [event["event"] for event in find(tmp_path, "q")] == ["a", "b"]


def test_old_days_are_removed_once_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    old = tmp_path / "2026-11-01.jsonl"
    old.write_text("")
    _, made = writer(tmp_path, clock)
    clock.advance(1)
    assert not old.exists()
    old.write_text("")
    clock.advance(10)
    assert old.exists()
    clock.advance(3600)
    assert not old.exists()
    Deferred.fromCoroutine(made.stop())


def test_a_disk_that_takes_nothing_does_not_end_the_writing(tmp_path: Path) -> None:
    clock, tries = Clock(), []

    def failing(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        tries.append(function)
        raise OSError(28, "No space left on device")

    trace, made = writer(tmp_path, clock, failing)
    for _ in range(2):
        trace.record("a", queue_id="q")
        clock.advance(1)
    assert len(tries) >= 2
    Deferred.fromCoroutine(made.stop())


def test_no_days_no_trace(tmp_path: Path) -> None:
    clock = Clock()
    trace, made = writer(tmp_path, clock)
    made.set_days(0)
    trace.record("a", queue_id="q")
    clock.advance(1)
    assert list(tmp_path.glob("*.jsonl")) == []
    Deferred.fromCoroutine(made.stop())
