"""Log lines: one line each, whatever is in them, and files that rotate."""

import json
from pathlib import Path

import pytest
from twisted.logger import Logger, LogLevel, LogPublisher
from twisted.python.failure import Failure

from mailserverd.telemetry.log import LineObserver, RotatingFile, SessionIds, StreamSink
from mailserverd.telemetry.metrics import Metrics


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)

    def reopen(self) -> None: ...
    def close(self) -> None: ...


def logged(
    style: str = "text", level: str = "info", room: str = "mailserverd.smtp.session"
) -> tuple[Lines, Logger, LineObserver]:
    lines = Lines()
    observer = LineObserver(lines, level, style, Metrics())
    return lines, Logger(namespace=room, observer=LogPublisher(observer)), observer


def after_time(line: str) -> str:
    assert line.endswith("\n")
    assert line.count("\n") == 1
    return line[:-1].split(" ", 1)[1]


def test_a_line_has_time_level_room_event_and_fields() -> None:
    lines, log, _ = logged()
    log.info("message accepted", session="a.1", octets=7)
    assert after_time(lines.lines[0]) == "info smtp.session message accepted session=a.1 octets=7"
    assert lines.lines[0][:4].isdigit()
    assert lines.lines[0].split(" ")[0].endswith("Z")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("a\r\nb", '"a\\r\\nb"'),
        ("", '""'),
        (b"\xff<x@y>", '"\\\\xff<x@y>"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("=", '"="'),
        ("grün", '"grün"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\u2028", '"\\u2028"'),
    ],
)
def test_what_a_client_sent_cannot_make_a_line_or_a_field(value: object, shown: str) -> None:
    lines, log, _ = logged()
    log.info("x", who=value)
    assert after_time(lines.lines[0]) == f"info smtp.session x who={shown}"


def test_a_secret_is_never_written() -> None:
    for style in ("text", "json"):
        lines, log, _ = logged(style)
        log.info("x", password="hunter2", client_proof="p4ss")
        assert "hunter2" not in lines.lines[0]
        assert "p4ss" not in lines.lines[0]


def test_a_failure_is_one_line_with_its_traceback() -> None:
    lines, log, _ = logged()
    log.failure("it broke", Failure(ValueError("why")))
    assert "ValueError: why" in after_time(lines.lines[0])
    assert lines.lines[0].split(" ")[1] == "error"


def test_json_lines() -> None:
    lines, log, _ = logged("json")
    log.warn("slow", session="a.1", seconds=1.5)
    row = json.loads(lines.lines[0])
    assert (row["level"], row["room"], row["event"], row["session"], row["seconds"]) == (
        "warn",
        "smtp.session",
        "slow",
        "a.1",
        1.5,
    )


def test_what_is_below_the_level_is_not_written_and_the_level_can_change() -> None:
    lines, log, observer = logged(level="warn")
    log.info("a")
    log.warn("b")
    observer.set_level("debug")
    log.debug("c")
    assert [line.split(" ")[3].strip() for line in lines.lines] == ["b", "c"]


def test_an_info_of_twisted_is_a_detail() -> None:
    lines, log, observer = logged(room="twisted.internet.protocol")
    log.info("Starting factory {factory}", factory="f")
    assert lines.lines == []
    observer.set_level("debug")
    log.info("Starting factory {factory}", factory="f")
    assert after_time(lines.lines[0]) == "debug twisted.internet.protocol Starting factory f"


def test_lines_are_counted_by_level() -> None:
    metrics = Metrics()
    observer = LineObserver(Lines(), "error", "text", metrics)
    log = Logger(namespace="mailserverd.x", observer=LogPublisher(observer))
    log.emit(LogLevel.critical, "a")
    log.error("b")
    log.info("c")
    assert metrics.log_events["error",].value == 2
    assert metrics.log_events["info",].value == 1


def test_a_full_file_makes_place_for_a_new_one_and_the_oldest_goes(tmp_path: Path) -> None:
    sink = RotatingFile(tmp_path / "log" / "m.log", 10, 2)
    for line in ("1111\n", "2222\n", "3333\n", "4444\n", "5555\n", "6666\n", "7777\n"):
        sink.write(line)
    sink.close()
    files = {path.name: path.read_text() for path in (tmp_path / "log").iterdir()}
    assert files == {"m.log": "7777\n", "m.log.1": "5555\n6666\n", "m.log.2": "3333\n4444\n"}


def test_a_file_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    for text in ("11111\n", "22222\n"):
        sink = RotatingFile(tmp_path / "m.log", 10, 1)
        sink.write(text)
        sink.close()
    assert (tmp_path / "m.log.1").read_text() == "11111\n"


def test_reopen_follows_a_rotation_from_outside(tmp_path: Path) -> None:
    sink = RotatingFile(tmp_path / "m.log", 1000, 1)
    sink.write("1\n")
    (tmp_path / "m.log").rename(tmp_path / "old")
    sink.reopen()
    sink.write("2\n")
    sink.close()
    assert (tmp_path / "m.log").read_text() == "2\n"


def test_a_disk_that_takes_nothing_stops_nobody() -> None:
    with open("/dev/full", "wb") as full:
        StreamSink(full.fileno()).write("lost\n")
    sink = RotatingFile(Path("/dev/full"), 1000, 1)
    sink.write("lost\n")
    sink.close()


def test_session_ids_differ_within_a_run_and_between_runs() -> None:
    first, second = SessionIds(lambda count: b"a" * count), SessionIds(lambda count: b"b" * count)
    names = [first.next(), first.next(), second.next()]
    assert len(set(names)) == 3
