"""The order of starting, and the waiting order of stopping.

Standing rules: parts start one after the other in the order given and stop in the reverse order, each waited for
before the next; a part that fails to start stops those before it and ends the process with a status other than 0;
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
    """A part failed while twistd was still waiting: why, for the person at the terminal."""


class Part(Protocol):
    """Something that runs between start and stop. `start` may raise; after that, stop is not called."""

    name: str

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Parts:
    """Several parts as one: started in order, stopped in the reverse order, each waited for."""

    def __init__(self, name: str, parts: Sequence[Part] = ()) -> None:
        self.name = name
        self._started: list[Part] = []
        self._parts = parts

    async def start(self) -> None:
        try:
            for part in self._parts:
                try:
                    await part.start()
                except Exception as error:
                    log.error("cannot start", part=part.name, why=str(error))
                    raise
                self._started.append(part)
        except Exception:
            await self.stop()
            raise

    async def stop(self) -> None:
        while self._started:
            part = self._started.pop()
            try:
                await part.stop()
            except Exception:
                log.failure("{part} failed while stopping", part=part.name)


class Lifecycle(Service):
    """The root service."""

    def __init__(self, parts: Parts, health: Health, give_up: Callable[[], None]) -> None:
        self.name = "mailserverd"
        self._parts = parts
        self._health = health
        self._give_up = give_up
        self._starting: Deferred[None] | None = None
        self._twistd_waits = False
        self._failure: Exception | None = None

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._twistd_waits = True
        self._starting = Deferred.fromCoroutine(self._start())
        self._twistd_waits = False
        if self._failure is not None:
            raise StartFailed(str(self._failure)) from None

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        try:
            await self._parts.start()
        except Exception as error:
            self._failure, self._health.stage = error, FAILED
            if not self._twistd_waits:
                log.failure("the server stops, since a part of it cannot start")
                self._give_up()
            return
        if self.running:
            self._health.stage = "running"
            log.info("ready")

    async def _stop(self) -> None:
        starting, self._starting = self._starting, None
        if starting is not None:
            await starting
        self._health.stage = "stopping"
        await self._parts.stop()
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
