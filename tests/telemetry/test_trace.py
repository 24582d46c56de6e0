"""The trail of a message: recorded, written by day, found again, expired."""

from datetime import UTC, datetime
from pathlib import Path

from twisted.internet.task import Clock

from mailserverd.telemetry import trace
from mailserverd.telemetry.trace import Trace, expire, find, write_events

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


def recorded(clock: Clock) -> Trace:
    made = Trace(clock.seconds)
    made.record("received", queue_id="q1", message_id="<a@b>", octets=5)
    clock.advance(1)
    made.record("delivered", queue_id="q1", to="u@d")
    made.record("received", queue_id="q2", message_id="<other@b>")
    return made


def clock_at(moment: float) -> Clock:
    clock = Clock()
    clock.advance(moment)
    return clock


def test_a_message_id_leads_to_all_events_of_its_queue_ids(tmp_path: Path) -> None:
    write_events(tmp_path / "trace", recorded(clock_at(NOON)).take())
    for wanted in ("<a@b>", "a@b", " <a@b> ", "q1"):
        assert [event["event"] for event in find(tmp_path / "trace", wanted)] == ["received", "delivered"]
    assert list(find(tmp_path / "trace", "b")) == []


def test_events_lie_in_the_file_of_their_day_and_are_found_across_midnight(tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    write_events(tmp_path, recorded(clock_at(midnight - 0.5)).take())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-24.jsonl", "2026-11-25.jsonl"]
    assert [event["event"] for event in find(tmp_path, "a@b")] == ["received", "delivered"]


def test_what_is_not_ascii_is_found(tmp_path: Path) -> None:
    made = Trace(lambda: NOON)
    made.record("received", queue_id="q", message_id='<grün"\udc80@b>')
    write_events(tmp_path, made.take())
    assert len(list(find(tmp_path, 'grün"'))) == 0
    assert len(list(find(tmp_path, "q"))) == 1


def test_half_a_last_line_hurts_nothing(tmp_path: Path) -> None:
    write_events(tmp_path, recorded(clock_at(NOON)).take())
    with (tmp_path / "2026-11-24.jsonl").open("a") as file:
        file.write('{"event":"receiv q1')
    assert len(list(find(tmp_path, "q1"))) == 2


def test_old_days_go(tmp_path: Path) -> None:
    for day in ("2026-11-09", "2026-11-10", "2026-11-24", "notes"):
        (tmp_path / f"{day}.jsonl").write_text("{}\n")
    assert [path.name for path in expire(tmp_path, 14, NOON)] == ["2026-11-09.jsonl"]
    assert len(list(tmp_path.iterdir())) == 3
    assert expire(tmp_path / "none", 14, NOON) == []


def test_a_flood_is_bounded_and_says_so(monkeypatch: object) -> None:
    made = Trace(lambda: NOON)
    for _ in range(trace.MAX_WAITING_EVENTS + 5):
        made.record("x", queue_id="q")
    events = made.take()
    assert len(events) == trace.MAX_WAITING_EVENTS + 1
    assert events[-1] == {"time": NOON, "event": "events dropped", "queue_id": "", "count": 5}
    assert made.take() == []


def test_nothing_is_recorded_when_switched_off() -> None:
    made = Trace(lambda: NOON, enabled=False)
    made.record("x", queue_id="q")
    assert made.take() == []
