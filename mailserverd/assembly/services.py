"""From a configuration to the tree of services: construct everything, then connect everything.

Standing rules: nothing starts here; the order of the parts is the order of starting, and read backwards the order
of stopping: listeners and sessions go first, the store goes last.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from twisted.internet.threads import deferToThreadPool

from mailserverd.assembly.embedded import Backends, open_embedded
from mailserverd.assembly.lifecycle import Parts, Step
from mailserverd.assembly.listeners import AllListeners, Listener
from mailserverd.assembly.preflight import Prepared
from mailserverd.assembly.reloading import Reloading
from mailserverd.assembly.watching import ReactorDelay, TraceWriter
from mailserverd.config.schema import Config
from mailserverd.telemetry.connections import Connections
from mailserverd.telemetry.health import Health
from mailserverd.telemetry.log import LineObserver, SessionIds
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace
from mailserverd.web.site import monitoring_site


@dataclass(slots=True)
class Watch:
    """Everything that rooms report to."""

    metrics: Metrics
    health: Health
    trace: Trace
    connections: Connections
    session_ids: SessionIds


def watch(config: Config, reactor: Any, metrics: Metrics) -> Watch:
    return Watch(
        metrics=metrics,
        health=Health(),
        trace=Trace(time),
        connections=Connections(config, metrics, reactor.seconds),
        session_ids=SessionIds(os.urandom),
    )


def parts(path: Path, config: Config, prepared: Prepared, seen: Watch, observer: LineObserver, reactor: Any) -> Parts:
    """All parts of the server."""
    in_thread = lambda function, *args: deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)  # noqa: E731
    reloading = Reloading(path, config, prepared.tls, reactor)
    reloading.tell(seen.connections.reload)
    reloading.tell(lambda new: observer.set_level(new.log.level))
    reloading.tell(lambda new: observer.sink.reopen())
    writer = TraceWriter(seen.trace, config.server.data_directory / "trace", reactor, time, in_thread)
    writer.set_days(config.log.trace_days)
    reloading.tell(lambda new: writer.set_days(new.log.trace_days))
    return Parts(
        "mailserverd",
        [
            Step("the data lock", prepared.lock.sign, prepared.lock.release),
            writer,
            ReactorDelay(reactor, seen.metrics),
            Store(config, reactor, seen, lambda backends: rooms(backends, config, prepared, seen, reloading, reactor)),
            reloading,
        ],
    )


class Store:
    """The backends, and within their lifetime everything that is made of them."""

    name = "the store"

    def __init__(self, config: Config, reactor: Any, seen: Watch, make: Callable[[Backends], Parts]) -> None:
        self._config, self._reactor, self._seen, self._make = config, reactor, seen, make
        self._backends: Backends | None = None
        self._rooms: Parts | None = None

    async def start(self) -> None:
        self._backends = await open_embedded(self._config, self._reactor, self._seen.metrics)
        try:
            self._rooms = self._make(self._backends)
            await self._rooms.start()
        except Exception:
            await self._backends.close()
            raise

    async def stop(self) -> None:
        assert self._rooms is not None
        assert self._backends is not None
        await self._rooms.stop()
        await self._backends.close()


def rooms(
    backends: Backends, config: Config, prepared: Prepared, seen: Watch, reloading: Reloading, reactor: Any
) -> Parts:
    """Everything above the store."""
    listeners: list[Listener] = []
    if "metrics" in prepared.sockets:
        site = monitoring_site(reactor, seen.metrics, seen.health)
        listeners.append(Listener("metrics", reactor, prepared.sockets["metrics"], site, None))
    return Parts("the rooms", [AllListeners(listeners)])
