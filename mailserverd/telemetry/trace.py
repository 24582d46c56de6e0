"""The trail of a message: what happened to it, when, and why it went where it went.

Standing rules: `record` only appends to a bounded list; the writing happens in a thread, about once a second,
to one JSON-lines file a day under DATA/trace; files older than `log.trace_days` are removed. A trail is a help,
never a truth: it may lack the last second before a crash, and says how many events it had to drop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

Detail = str | int | float | None
Event = dict[str, Detail]

MAX_WAITING_EVENTS = 20000
_DAY_SECONDS = 86_400
_encode = msgspec.json.Encoder().encode
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl")


class Trace:
    """Collects events; `take` and `write_events` carry them to disk."""

    def __init__(self, seconds: Callable[[], float], enabled: bool = True) -> None:
        self.enabled = enabled
        self._seconds = seconds
        self._waiting: list[tuple[float, str, str, str, dict[str, Detail]]] = []
        self._dropped = 0

    def record(self, event: str, *, queue_id: str = "", message_id: str = "", **details: Detail) -> None:
        """Note that `event` happened to the message; every event carries its queue id, one at least its Message-ID."""
        if not self.enabled:
            return
        if len(self._waiting) >= MAX_WAITING_EVENTS:
            self._dropped += 1
            return
        self._waiting.append((self._seconds(), event, queue_id, message_id, details))

    def take(self) -> list[Event]:
        """All events that wait to be written, now the caller's."""
        waiting, self._waiting = self._waiting, []
        events: list[Event] = []
        for moment, event, queue_id, message_id, details in waiting:
            row: Event = {"time": moment, "event": event, "queue_id": queue_id}
            if message_id:
                row["message_id"] = message_id
            row.update(details)
            events.append(row)
        if self._dropped:
            events.append({"time": self._seconds(), "event": "events dropped", "queue_id": "", "count": self._dropped})
            self._dropped = 0
        return events


def write_events(folder: Path, events: list[Event]) -> None:
    """Append `events` to the files of their days. Blocking: call it in a thread."""
    lines: dict[int, list[bytes]] = {}
    for event in events:
        lines.setdefault(int(event["time"] or 0) // _DAY_SECONDS, []).append(_line(event))
    folder.mkdir(mode=0o750, exist_ok=True)
    for number, rows in lines.items():
        day = datetime.fromtimestamp(number * _DAY_SECONDS, UTC).strftime("%Y-%m-%d")
        with (folder / f"{day}.jsonl").open("ab") as file:
            file.write(b"\n".join(rows) + b"\n")


def _line(event: Event) -> bytes:
    try:
        return _encode(event)
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")


def expire(folder: Path, days: int, now: float) -> list[Path]:
    """Remove the files of days that are more than `days` ago; returns them. Blocking."""
    oldest = (datetime.fromtimestamp(now, UTC) - timedelta(days=days)).strftime("%Y-%m-%d")
    gone = [path for path, day in _files(folder) if day < oldest]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def find(folder: Path, wanted: str) -> Iterator[Event]:
    """The trail of a Message-ID (with or without < >) or of a queue id, in the order of time. Blocking."""
    bare = wanted.strip().removeprefix("<").removesuffix(">")
    names = {bare}
    for event in _matching(folder, names):
        if str(event.get("message_id", "")).strip("<>") == bare and event.get("queue_id"):
            names.add(str(event["queue_id"]))
    for event in _matching(folder, names):
        if {str(event.get("message_id", "")).strip("<>"), str(event.get("queue_id", ""))} & names:
            yield event


def _matching(folder: Path, names: set[str]) -> Iterator[Event]:
    needles = [json.dumps(name, ensure_ascii=False)[1:-1] for name in names]
    for path, _ in _files(folder):
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if any(needle in line for needle in needles) and (event := _parsed(line)) is not None:
                    yield event


def _parsed(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None  # the last line before a crash may be half a line
    return event if isinstance(event, dict) else None


def _files(folder: Path) -> list[tuple[Path, str]]:
    if not folder.is_dir():
        return []
    return sorted((path, match[1]) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)))
