"""Everything that rooms report to, made once."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from time import time
from typing import Any

from mailserverd.config.schema import Config
from mailserverd.connection.unsent import Unsent
from mailserverd.telemetry.connections import Connections
from mailserverd.telemetry.health import Health
from mailserverd.telemetry.log import SessionIds
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace

SPARE_DESCRIPTORS = 64


@dataclass(frozen=True, slots=True)
class Watch:
    metrics: Metrics
    health: Health
    trace: Trace
    connections: Connections
    unsent: Unsent
    session_ids: SessionIds


def watch(config: Config, metrics: Metrics, reactor: Any) -> Watch:
    unsent = Unsent(reactor, config.limits, metrics.clients_dropped.of())
    metrics.read("unsent_bytes", "What clients that don't read make the server hold", lambda: float(unsent.octets))
    return Watch(
        metrics=metrics,
        health=Health(),
        trace=Trace(time),
        connections=Connections(config, metrics, reactor.seconds, _connections_for_descriptors()),
        unsent=unsent,
        session_ids=SessionIds(os.urandom),
    )


def _connections_for_descriptors() -> int:
    """Of all open files allowed an eighth is kept for the store, the log, and messages that are being received."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if allowed == resource.RLIM_INFINITY else allowed - max(SPARE_DESCRIPTORS, allowed // 8)
