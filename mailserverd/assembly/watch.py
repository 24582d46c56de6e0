"""Everything that rooms report to, made once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import time
from typing import Any

from mailserverd.config.schema import Config
from mailserverd.telemetry.connections import Connections
from mailserverd.telemetry.health import Health
from mailserverd.telemetry.log import SessionIds
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace


@dataclass(frozen=True, slots=True)
class Watch:
    metrics: Metrics
    health: Health
    trace: Trace
    connections: Connections
    session_ids: SessionIds


def watch(config: Config, metrics: Metrics, reactor: Any) -> Watch:
    return Watch(
        metrics=metrics,
        health=Health(),
        trace=Trace(time),
        connections=Connections(config, metrics, reactor.seconds),
        session_ids=SessionIds(os.urandom),
    )
