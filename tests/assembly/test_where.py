"""Where mail goes, connected: the resolver, policies, routing and reports of one configuration."""

from pathlib import Path
from typing import Any

from mailserverd.assembly.dane_state import dane_state
from mailserverd.assembly.where import listening, where
from mailserverd.config.schema import Config
from mailserverd.queue.parts import NoticesDropped
from mailserverd.telemetry.metrics import Metrics
from tests.nameserver.authority import Authority, HttpsServer
from tests.nameserver.real import RealReactor
from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones
from tests.queue.records import MemoryRecords


def config(tmp_path: Path, **sections: Any) -> Config:
    server = {"hostname": "mail.here.example", "data_directory": str(tmp_path)}
    tls = {"certificate": "c.pem", "private_key": "k.pem"}
    return Config.model_validate({"server": server, "tls": tls, **sections})


def test_dane_is_on_where_a_nameserver_is_believed(tmp_path: Path) -> None:
    system = tmp_path / "resolv.conf"
    system.write_text("nameserver 192.0.2.53\n")
    assert dane_state(config(tmp_path, dns={"nameservers": ["127.0.0.1:5300"]}), system) == "on"
    believed = config(tmp_path, dns={"trust_ad": ["192.0.2.0/24"]})
    assert dane_state(believed, system) == "on"
    assert "192.0.2.53:53" in dane_state(config(tmp_path), system)
    assert dane_state(config(tmp_path), system).startswith("off: no nameserver")
    off = config(tmp_path, dns={"nameservers": ["127.0.0.1"]}, outbound={"dane": False})
    assert dane_state(off, system) == "off: outbound.dane is false"


def test_what_we_listen_on(tmp_path: Path) -> None:
    given = config(tmp_path, smtp={"addresses": ["127.0.0.1:2525", "[::1]:2525"]}, imap={"enabled": False})
    found = set(listening(given))
    assert {("127.0.0.1", 2525), ("::1", 2525), ("0.0.0.0", 587)} <= found
    assert ("0.0.0.0", 143) not in found


class Reloads:
    """As much of Reloading as is needed."""

    def __init__(self, config: Config) -> None:
        self.config, self.users = config, list[Any]()

    def tell(self, user: Any) -> None:
        self.users.append(user)


POLICY = b"version: STSv1\nmode: enforce\nmx: m.a.example\nmax_age: 86400\n"


def test_from_a_domain_to_hops_over_the_network(tmp_path: Path) -> None:
    """A nameserver, a policy host with a certificate of ca_file's authority, and the rule that comes of it."""
    authority, reactor = Authority(tmp_path), RealReactor()

    def answer(request: Any) -> None:
        assert request.headers["Host"].startswith("mta-sts.a.example:")
        request.send_response(200)
        request.send_header("Content-Type", "text/plain")
        request.send_header("Content-Length", str(len(POLICY)))
        request.end_headers()
        request.wfile.write(POLICY)

    zones = Zones(
        "a.example MX 10 m.a.example",
        "m.a.example A 127.0.0.9",
        "mta-sts.a.example A 127.0.0.1",
        '_mta-sts.a.example TXT "v=STSv1; id=1"',
        "b.example MX 10 mail.here.example",
    )
    with Nameserver(zones) as server, HttpsServer(authority.issue("mta-sts.a.example"), answer) as web:
        outbound = {"remote_port": 2525, "sts_port": web.port, "ca_file": str(authority.file)}
        reloads: Any = Reloads(config(tmp_path, dns={"nameservers": [server.address]}, outbound=outbound))
        metrics = Metrics()
        made = where(MemoryRecords(), reloads, metrics, reactor)  # type: ignore[arg-type]
        (hop,) = reactor.run_until(made.routing.hops("a.example", False))
        assert (hop.host, hop.address, hop.port) == ("m.a.example", "127.0.0.9", 2525)
        assert (hop.tls.need, hop.tls.policy) == ("verify", "sts")
        refused = reactor.run_until(made.routing.hops("b.example", False))
        assert refused.status == "5.4.6"
        remembered = metrics.readings["dns_remembered"][1]()
        assert remembered >= 5
        for each in reloads.users:
            each(config(tmp_path, dns={"nameservers": ["127.0.0.1:1"]}))
        assert reactor.run_until(made.routing.hops("c.example", False)).status == "4.4.3"
        assert metrics.readings["dns_questions"][1]() > remembered
        assert metrics.readings["dns_failures"][1]() == 1
        parts = made.parts(NoticesDropped())
        for part in parts:
            reactor.run_until(part.start())
        assert reactor.getDelayedCalls()
        for part in reversed(parts):
            reactor.run_until(part.stop())
    reactor.end()
