"""The small HTTP server for monitoring: GET /metrics, GET /health, nothing else.

Standing rules: it has no password, so it belongs on loopback; it answers at once or not at all; no request has a
body, and of clients it takes MAX_CLIENTS; on loopback it answers to no name that a stranger's DNS could give it, or
else any web page that the admin opens could read it.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any, cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from mailserverd.telemetry.health import Health
from mailserverd.telemetry.metrics import Metrics
from mailserverd.web.metrics import exposition, registry

MAX_CLIENTS = 64
TIMEOUT_SECONDS = 60


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


class BodilessRequest(Request):
    """Refused with a body, or under a wrong name, before anything is looked at."""

    def gotLength(self, length: int | None) -> None:
        self._refused = False
        super().gotLength(0)  # type: ignore[no-untyped-call]
        if length != 0:
            self._refuse(b"413 Content Too Large")
        elif not self._is_for_us():
            self._refuse(b"421 Misdirected Request")

    def handleContentChunk(self, data: bytes) -> None:
        """Thrown away."""

    def _is_for_us(self) -> bool:
        here = getattr(self.getHost(), "host", "")  # type: ignore[no-untyped-call]
        name = self.getRequestHostname().decode("ascii", "replace")  # type: ignore[no-untyped-call]
        return not _is_loopback(here) or name in ("", "localhost") or _is_address(name.strip("[]"))

    def _refuse(self, status: bytes) -> None:
        self._refused = True
        channel: Any = self.channel
        channel.transport.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        channel.transport.loseConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._refused:
            super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ip_address(text).is_loopback


class FewClients(WrappingFactory[Any]):
    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> IProtocol | None:
        """None: the connection is closed."""
        return super().buildProtocol(addr) if len(self.protocols) < MAX_CLIENTS else None


def monitoring_site(reactor: IReactorTime, metrics: Metrics, health: Health) -> ServerFactory[Any]:
    """The factory for the [metrics] listener."""
    root = Root()  # type: ignore[no-untyped-call]
    root.putChild(b"metrics", MetricsPage(registry(metrics)))
    root.putChild(b"health", HealthPage(health))
    site = QuietSite(root, BodilessRequest, reactor=reactor, timeout=TIMEOUT_SECONDS)  # type: ignore[no-untyped-call]
    return cast("ServerFactory[Any]", FewClients(site))  # type: ignore[no-untyped-call]
