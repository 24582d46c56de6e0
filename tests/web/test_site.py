"""What the monitoring listener answers."""

import json

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mailserverd.telemetry.health import Health
from mailserverd.telemetry.metrics import Metrics
from mailserverd.web.site import MAX_CLIENTS, monitoring_site


def answer(
    path: str,
    metrics: Metrics | None = None,
    health: Health | None = None,
    host: str = "localhost",
    rest: bytes = b"\r\n",
    here: str = "127.0.0.1",
) -> tuple[int, bytes]:
    site = monitoring_site(Clock(), metrics or Metrics(), health or Health())
    site.startFactory()
    protocol = site.buildProtocol(None)
    assert protocol is not None
    transport = StringTransport(hostAddress=IPv4Address("TCP", here, 9090))
    protocol.makeConnection(transport)
    protocol.dataReceived(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n".encode() + rest)
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


@pytest.mark.parametrize(
    "rest",
    [b"Content-Length: 99999999999\r\n\r\nxxx", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"],
)
def test_a_body_is_refused_and_not_kept(rest: bytes) -> None:
    assert answer("/health", rest=rest) == (413, b"")


@pytest.mark.parametrize(
    ("host", "here", "status"),
    [
        ("127.0.0.1:29090", "127.0.0.1", 404),
        ("[::1]:9090", "127.0.0.1", 404),
        ("localhost", "127.0.0.1", 404),
        ("evil.example", "127.0.0.1", 421),
        ("localhost.evil.example", "127.0.0.1", 421),
        ("mon.example", "192.0.2.1", 404),
    ],
)
def test_on_loopback_no_other_name_is_answered(host: str, here: str, status: int) -> None:
    assert answer("/", host=host, here=here)[0] == status


def test_many_clients() -> None:
    site = monitoring_site(Clock(), Metrics(), Health())
    made = [site.buildProtocol(None) for _ in range(MAX_CLIENTS)]
    for protocol in made:
        assert protocol is not None
        protocol.makeConnection(StringTransport())
    assert site.buildProtocol(None) is None
