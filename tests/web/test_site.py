"""What the monitoring listener answers."""

import json

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mailserverd.telemetry.health import Health
from mailserverd.telemetry.metrics import Metrics
from mailserverd.web.site import monitoring_site


def answer(path: str, metrics: Metrics | None = None, health: Health | None = None) -> tuple[int, bytes]:
    site = monitoring_site(Clock(), metrics or Metrics(), health or Health())
    site.startFactory()
    protocol = site.buildProtocol(None)
    assert protocol is not None
    transport = StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head, _, body = transport.value().partition(b"\r\n\r\n")
    site.stopFactory()
    return int(head.split(b" ")[1]), body


def test_healthy() -> None:
    health = Health()
    health.stage = "running"
    status, body = answer("/health", health=health)
    assert (status, json.loads(body)) == (200, {"status": "ok"})


def test_not_healthy() -> None:
    health = Health()
    health.add("store", lambda: "the disk is full")
    status, body = answer("/health", health=health)
    assert status == 503
    assert json.loads(body)["problems"] == {"server": "starting", "store": "the disk is full"}


def test_metrics() -> None:
    metrics = Metrics()
    metrics.deliveries["smtp", "delivered"].value += 3
    metrics.commands["imap", "FETCH"].observe(0.002)
    metrics.connections_open["imap",].value = 2
    metrics.read("queue", "How many wait", lambda: 4.0)
    status, body = answer("/metrics", metrics)
    lines = body.decode().splitlines()
    assert status == 200
    assert 'mailserverd_deliveries_total{door="smtp",outcome="delivered"} 3.0' in lines
    assert 'mailserverd_command_seconds_bucket{le="0.001",protocol="imap",verb="FETCH"} 0.0' in lines
    assert 'mailserverd_command_seconds_bucket{le="0.003",protocol="imap",verb="FETCH"} 1.0' in lines
    assert 'mailserverd_command_seconds_count{protocol="imap",verb="FETCH"} 1.0' in lines
    assert 'mailserverd_connections_open{listener="imap"} 2.0' in lines
    assert "mailserverd_queue 4.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_nothing_else() -> None:
    assert answer("/")[0] == 404
    assert answer("/metricsx")[0] == 404
