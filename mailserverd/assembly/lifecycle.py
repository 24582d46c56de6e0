"""The order of starting, and the waiting order of stopping.

Standing rules: parts start one after the other in the order given and stop in the reverse order, each waited for
before the next; a part that fails to start stops those before it and ends the process with a non-zero status;
a part that fails to stop is logged and does not keep the others from stopping.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.telemetry.health import Health

log = Logger()
FAILED = "failed to start"


class StartFailed(Exception):
    """A part failed while twistd was still waiting: this is for the person at the terminal."""


class Part(Protocol):
    """Something that runs between start and stop. `start` may raise; after that, stop is not called."""

    name: str

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Lifecycle(Service):
    """The root service: all parts as one."""

    def __init__(self, parts: Sequence[Part], health: Health, give_up: Callable[[], None]) -> None:
        self.name = "mailserverd"
        self._parts = parts
        self._health = health
        self._give_up = give_up
        self._started: list[Part] = []
        self._starting: Deferred[None] | None = None

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._starting = Deferred.fromCoroutine(self._start())
        if self._health.stage == FAILED:
            raise StartFailed("a part of the server cannot start; the log says why")

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        for part in self._parts:
            try:
                await part.start()
            except Exception:
                log.failure("{part} cannot start; the server stops", part=part.name)
                self._health.stage = FAILED
                self._give_up()
                return
            self._started.append(part)
            if not self.running:
                return
        self._health.stage = "running"
        log.info("ready")

    async def _stop(self) -> None:
        self._health.stage = "stopping"
        starting, self._starting = self._starting, None
        if starting is not None:
            await starting
        while self._started:
            part = self._started.pop()
            try:
                await part.stop()
            except Exception:
                log.failure("{part} failed while stopping", part=part.name)
        log.info("stopped")


class Step:
    """A part made of two functions."""

    def __init__(
        self,
        name: str,
        start: Callable[[], Awaitable[object] | None] | None = None,
        stop: Callable[[], Awaitable[object] | None] | None = None,
    ) -> None:
        self.name = name
        self._start, self._stop = start, stop

    async def start(self) -> None:
        await _call(self._start)

    async def stop(self) -> None:
        await _call(self._stop)


async def _call(function: Callable[[], Awaitable[object] | None] | None) -> None:
    if function is not None and (waiting := function()) is not None:
        await waiting
