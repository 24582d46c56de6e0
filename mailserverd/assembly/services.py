"""From a configuration to the tree of services: construct everything, then connect everything.

Standing rules: nothing starts here; the order of the parts is the order of starting, and read backwards the order
of stopping: listeners and sessions go first, the store goes last.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

from twisted.internet.threads import deferToThreadPool

from mailserverd.assembly.lifecycle import Part, Step
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


@dataclass(slots=True)
class Tree:
    """The parts, in the order of starting."""

    parts: list[Part] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)


def watch(config: Config, reactor: Any, metrics: Metrics) -> Watch:
    return Watch(
        metrics=metrics,
        health=Health(),
        trace=Trace(time),
        connections=Connections(config, metrics, reactor.seconds),
        session_ids=SessionIds(os.urandom),
    )


def parts(
    path: Path, config: Config, prepared: Prepared, seen: Watch, observer: LineObserver | None, reactor: Any
) -> list[Part]:
    """All parts of the server."""
    in_thread = lambda function, *args: deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)  # noqa: E731
    reloading = Reloading(path, config, prepared.tls, reactor)
    reloading.tell(seen.connections.reload)
    writer = TraceWriter(seen.trace, config.server.data_directory / "trace", reactor, time, in_thread)
    writer.set_days(config.log.trace_days)
    reloading.tell(lambda new: writer.set_days(new.log.trace_days))
    if observer is not None:
        reloading.tell(lambda new: observer.set_level(new.log.level))
        reloading.tell(lambda new: observer.sink.reopen())
    tree = Tree([Step("the data lock", prepared.lock.sign, prepared.lock.release), writer])
    tree.parts.append(ReactorDelay(reactor, seen.metrics))
    if "metrics" in prepared.sockets:
        site = monitoring_site(reactor, seen.metrics, seen.health)
        tree.listeners.append(Listener("metrics", reactor, prepared.sockets["metrics"], site, None))
    tree.parts.append(AllListeners(tree.listeners))
    tree.parts.append(reloading)
    return tree.parts
