"""One line an event: time, level, room, what happened, key=value.

Standing rules: rooms write `Logger().info("message accepted", session=..., queue_id=..., octets=...)`: the text is
constant, what varies is a field, and every line about a connection carries `session`, about a message `queue_id`.
A secret is never a field. A line is always one line, whatever a client sent.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from zope.interface import implementer

from mailserverd.telemetry.log_batch import LineSink, LogBatch
from mailserverd.telemetry.metrics import Metrics

_is_plain = re.compile(r"[\w.@:/+<>\[\]-]+", re.ASCII).fullmatch
_SECRET_WORDS = ("password", "secret", "proof", "private_key")
_LEVELS = {LogLevel.debug: 0, LogLevel.info: 1, LogLevel.warn: 2, LogLevel.error: 3, LogLevel.critical: 3}
_NAMES = ("debug", "info", "warn", "error")
_WARN = 2
_PREFIX = "mailserverd."


class SessionIds:
    """Short names for connections, unique within a run and hardly ever seen again in another."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._run = random(3).hex()
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{self._run}.{self._count:x}"


class StreamSink:
    """Lines to a file descriptor that is already open, such as standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, line: str) -> None:
        with suppress(OSError):  # nobody reads our standard output any more; that must not stop the mail
            os.write(self._descriptor, line.encode("utf-8", "backslashreplace"))

    def reopen(self) -> None:
        """Nothing to do: the descriptor was given to us."""

    def close(self) -> None:
        """Nothing to do: whoever opened the descriptor closes it."""


class RotatingFile:
    """Lines appended to `path`; when it is full it becomes path.1, path.1 becomes path.2, and the oldest goes."""

    def __init__(self, path: Path, rotate_bytes: int, keep_files: int) -> None:
        self._path, self._rotate_bytes, self._keep_files = path, rotate_bytes, keep_files
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = -1
        self.reopen()

    def write(self, line: str) -> None:
        data = line.encode("utf-8", "backslashreplace")
        with suppress(OSError):  # a full disk must not stop the mail; the store says so on its own
            if self._size and self._size + len(data) > self._rotate_bytes:
                self._rotate()
            os.write(self._descriptor, data)
            self._size += len(data)

    def reopen(self) -> None:
        """Open `path` anew, for a rotation from outside."""
        self.close()
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _rotate(self) -> None:
        self._numbered(self._keep_files).unlink(missing_ok=True)
        for number in range(self._keep_files - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).rename(self._numbered(number + 1))
        self._path.rename(self._numbered(1))
        self.reopen()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


@implementer(ILogObserver)
class LineObserver:
    """Turns Twisted's log events into lines."""

    def __init__(self, sink: LineSink, level: str, style: str, metrics: Metrics) -> None:
        self.lines = LogBatch(sink)
        self._render = _as_json if style == "json" else _as_text
        self._counts = [metrics.log_events.of(name) for name in _NAMES]
        self.set_level(level)

    def set_level(self, level: str) -> None:
        """Write nothing less important than `level` from now on."""
        self._least = _NAMES.index(level)

    def __call__(self, event: LogEvent) -> None:
        rank = _LEVELS.get(event.get("log_level", LogLevel.info), 1)
        room = event.get("log_namespace") or "python"
        if rank == 1 and not room.startswith(_PREFIX):
            rank = 0  # what Twisted finds worth an info line ("Starting factory") is a detail here
        self._counts[rank].value += 1
        if rank >= self._least:
            self.lines.write(self._render(_NAMES[rank], room.removeprefix(_PREFIX), event), rank >= _WARN)


def _as_text(level: str, room: str, event: LogEvent) -> str:
    line = f"{_time(event)} {level} {room} {_what(event)}"
    for name, value in _fields(event).items():
        if type(value) is str and _is_plain(value):
            line += f" {name}={value}"
        else:
            line += f" {name}={_value(value)}"
    return line + "\n"


def _as_json(level: str, room: str, event: LogEvent) -> str:
    row = {"time": _time(event), "level": level, "room": room, "event": _what(event), **_fields(event)}
    return json.dumps(row, default=str) + "\n"


def _time(event: LogEvent) -> str:
    moment: float = event.get("log_time", 0.0)
    second = int(moment)
    return f"{_second(second)}.{int((moment - second) * 1000):03d}Z"


@lru_cache(2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@cache
def _is_secret(name: str) -> bool:
    """Names stand in our code, so they are few."""
    return any(word in name for word in _SECRET_WORDS)


def _what(event: LogEvent) -> str:
    text = event.get("log_format") or ""
    text = formatEvent(event) if "{" in text or not text else text
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _fields(event: LogEvent) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if str(event.get("log_namespace")).startswith(_PREFIX):
        for name, value in event.items():
            if name[:4] != "log_":
                fields[name] = "(secret)" if _is_secret(name) else value
    if (failure := event.get("log_failure")) is not None:
        fields["traceback"] = failure.getTraceback()
    return fields


def _value(value: object) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    text = str(value)
    return text if _is_plain(text) else json.dumps(text, ensure_ascii=not text.isprintable())
