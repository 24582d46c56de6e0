"""The small HTTP server for monitoring: GET /metrics, GET /health, nothing else.

Standing rules: it has no password, so it belongs on loopback; it answers at once or not at all.
"""

from __future__ import annotations

import json

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from mailserverd.telemetry.health import Health
from mailserverd.telemetry.metrics import Metrics
from mailserverd.web.metrics import exposition, registry


class MetricsPage(Resource):
    isLeaf = True

    def __init__(self, source: CollectorRegistry) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._source = source

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", CONTENT_TYPE_LATEST.encode("ascii"))
        return exposition(self._source)


class HealthPage(Resource):
    """200 {"status": "ok"} or 503 {"status": "failing", "problems": {...}}."""

    isLeaf = True

    def __init__(self, health: Health) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._health = health

    def render_GET(self, request: Request) -> bytes:
        problems = self._health.problems()
        request.setResponseCode(503 if problems else 200)
        request.setHeader(b"content-type", b"application/json")
        answer = {"status": "failing", "problems": problems} if problems else {"status": "ok"}
        return json.dumps(answer).encode("ascii") + b"\n"


class Root(Resource):
    """Everything that is not one of its children is absent."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        return Absent()  # type: ignore[no-untyped-call]


class Absent(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setResponseCode(404)
        request.setHeader(b"content-type", b"text/plain")
        return b"only /metrics and /health are here\n"


class QuietSite(Site):
    """A site that writes no access log: a scrape every few seconds is not news."""

    noisy = False

    def log(self, request: object) -> None:
        """Say nothing."""


def monitoring_site(reactor: IReactorTime, metrics: Metrics, health: Health) -> Site:
    """The factory for the [metrics] listener."""
    root = Root()  # type: ignore[no-untyped-call]
    root.putChild(b"metrics", MetricsPage(registry(metrics)))
    root.putChild(b"health", HealthPage(health))
    return QuietSite(root, reactor=reactor, timeout=60)  # type: ignore[no-untyped-call]
