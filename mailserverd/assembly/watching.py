"""What watches the others: the reactor's delay, the trace on its way to disk, the store's health.

Standing rules: nothing here may slow the mail down; what cannot be written is dropped with one log line.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.watch import Watch
from mailserverd.telemetry.log_batch import LogBatch
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace, expire, write_events

log = Logger()
DELAY_INTERVAL_SECONDS = 0.5
TRACE_INTERVAL_SECONDS = 1.0
LOG_INTERVAL_SECONDS = 0.1
EXPIRY_INTERVAL_SECONDS = 3600.0
MIN_FREE_BYTES = 64 * 1_048_576

InThread = Callable[..., Deferred[Any]]
"""deferToThread: run a blocking function elsewhere."""


class ReactorDelay:
    """Measures how much later than asked the reactor runs a timer."""

    name = "reactor delay"

    def __init__(self, clock: IReactorTime, metrics: Metrics) -> None:
        self._clock = clock
        self._delay = metrics.reactor_delay.of()
        self._loop = LoopingCall(self._measure)
        self._loop.clock = clock
        self._due = 0.0

    async def start(self) -> None:
        self._due = self._clock.seconds() + DELAY_INTERVAL_SECONDS
        self._loop.start(DELAY_INTERVAL_SECONDS, now=False)

    async def stop(self) -> None:
        self._loop.stop()

    def _measure(self) -> None:
        now = self._clock.seconds()
        self._delay.observe(max(0.0, now - self._due))
        # LoopingCall keeps to the beat it started with, so the next due time lies on that beat too.
        while self._due <= now:
            self._due += DELAY_INTERVAL_SECONDS


class LogWriter:
    """Lets log lines wait for each other while the server runs; before and after, each is written at once."""

    name = "the log"

    def __init__(self, lines: LogBatch, clock: IReactorTime) -> None:
        self._lines = lines
        self._loop = LoopingCall(lines.flush)
        self._loop.clock = clock

    async def start(self) -> None:
        self._lines.begin()
        self._loop.start(LOG_INTERVAL_SECONDS, now=False)

    async def stop(self) -> None:
        self._loop.stop()
        self._lines.end()


class TraceWriter:
    """Carries trace events to the files of their days, and removes old files."""

    name = "trace"

    def __init__(
        self, trace: Trace, folder: Path, clock: IReactorTime, wall_seconds: Callable[[], float], in_thread: InThread
    ) -> None:
        self.days = 0
        self._trace, self._folder, self._clock = trace, folder, clock
        self._wall_seconds, self._in_thread = wall_seconds, in_thread
        self._loop = LoopingCall(self._flush)
        self._loop.clock = clock
        self._expired_at = float("-inf")

    def set_days(self, days: int) -> None:
        """How long files are kept; 0: nothing is recorded any more."""
        self.days = days
        self._trace.enabled = days > 0

    async def start(self) -> None:
        self._loop.start(TRACE_INTERVAL_SECONDS, now=False)

    async def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
        await self._write()

    def _flush(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._write_and_expire())

    async def _write_and_expire(self) -> None:
        await self._write()
        try:
            if self._clock.seconds() - self._expired_at >= EXPIRY_INTERVAL_SECONDS:
                self._expired_at = self._clock.seconds()
                await self._in_thread(expire, self._folder, self.days, self._wall_seconds())
        except OSError as error:
            log.error("old traces cannot be removed; mend the folder", folder=self._folder, why=error.strerror)

    async def _write(self) -> None:
        try:
            if events := self._trace.take():
                await self._in_thread(write_events, self._folder, events)
        except OSError as error:
            log.error("trace cannot be written; make room or mend the folder", folder=self._folder, why=error.strerror)


def watch_store(seen: Watch, backends: Backends, data_directory: Path) -> None:
    """The store on the health page and among the metrics."""
    seen.health.add("store", lambda: backends.writer.trouble)
    seen.health.add("disk", lambda: _disk_problem(data_directory))
    seen.metrics.read(
        "pending_deliveries", "Copies that wait to be delivered again", lambda: float(backends.pending.waiting())
    )
    seen.metrics.read("disk_free_bytes", "Room left for the data directory", lambda: float(_free(data_directory)))


def _disk_problem(data_directory: Path) -> str | None:
    if _free(data_directory) >= MIN_FREE_BYTES:
        return None
    return f"less than {MIN_FREE_BYTES // 1_048_576} MiB is free in {data_directory}; make room"


def _free(data_directory: Path) -> int:
    found = os.statvfs(data_directory)
    return found.f_bavail * found.f_frsize
