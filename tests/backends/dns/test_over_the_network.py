"""The real resolver and real nameservers on loopback: UDP, TCP, dead ones, strangers' packets."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.message
import pytest
from twisted.internet.defer import Deferred, gatherResults

from mailserverd.assembly.in_thread import in_thread
from mailserverd.backends.dns.nameservers import Nameserver as BackendNameserver
from mailserverd.backends.dns.resolver import DnsResolver
from mailserverd.config.outbound import Dns
from mailserverd.interfaces.resolver import LookupFailed, MailExchanger, NoSuchDomain
from tests.nameserver.real import RealReactor
from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones

MANY = [f"big.example TXT {'x' * 200}{number:03}" for number in range(60)]


@pytest.fixture
def reactor() -> Iterator[RealReactor]:
    made = RealReactor()
    yield made
    made.end()


def resolver(reactor: RealReactor, *nameservers: str, seconds: int = 1) -> DnsResolver:
    settings = Dns(nameservers=nameservers, timeout_seconds=seconds)
    return DnsResolver(settings, reactor, in_thread(reactor), os.urandom)


def silent_port() -> tuple[socket.socket, str]:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    return bound, f"127.0.0.1:{bound.getsockname()[1]}"


def test_over_udp(reactor: RealReactor) -> None:
    with Nameserver(Zones("a.example MX 5 m.a.example", "m.a.example A 127.0.0.9", secure=["a.example"])) as server:
        asking = resolver(reactor, server.address)
        assert reactor.run_until(asking.mail_exchangers("a.example")) == ((MailExchanger(5, "m.a.example"),), True)
        assert reactor.run_until(asking.addresses("m.a.example")) == (("127.0.0.9",), True)
        with pytest.raises(NoSuchDomain):
            reactor.run_until(asking.texts("b.example"))
        assert server.over_tcp == 0


def test_a_large_answer_comes_over_tcp(reactor: RealReactor) -> None:
    with Nameserver(Zones(*MANY)) as server:
        asking = resolver(reactor, server.address)
        assert len(reactor.run_until(asking.texts("big.example"))[0]) == 60
        assert server.over_tcp == 1


def test_a_dead_nameserver_is_passed_over_and_then_asked_last(reactor: RealReactor) -> None:
    silent, address = silent_port()
    with silent, Nameserver(Zones("a.example TXT x", "b.example TXT x")) as server:
        asking = resolver(reactor, address, server.address)
        begun = reactor.seconds()
        assert reactor.run_until(asking.texts("a.example"))[0] == (b"x",)
        assert reactor.seconds() - begun >= 0.9
        begun = reactor.seconds()
        assert reactor.run_until(asking.texts("b.example"))[0] == (b"x",)
        assert reactor.seconds() - begun < 0.9


def test_where_nobody_listens_is_known_at_once(reactor: RealReactor) -> None:
    silent, address = silent_port()
    silent.close()
    begun = reactor.seconds()
    with pytest.raises(LookupFailed, match="nobody listens"):
        reactor.run_until(resolver(reactor, address, seconds=5).texts("a.example"))
    assert reactor.seconds() - begun < 3


def test_a_nameserver_that_cannot_be_reached_at_all(reactor: RealReactor) -> None:
    with Nameserver(Zones("a.example TXT x")) as server:
        asking = resolver(reactor, "127.0.0.1")
        asking.reload(Dns(nameservers=(server.address,), timeout_seconds=1))
        asking._servers.all = (BackendNameserver("fe80::1%nosuch", 53, False), *asking._servers.all)
        assert reactor.run_until(asking.texts("a.example"))[0] == (b"x",)


def test_a_hundred_questions_to_a_dead_nameserver_do_not_hold_the_reactor_up(reactor: RealReactor) -> None:
    silent, address = silent_port()
    with silent:
        asking = resolver(reactor, address)
        gaps, last = [], [reactor.seconds()]

        def tick() -> None:
            now = reactor.seconds()
            gaps.append(now - last[0])
            last[0] = now
            reactor.callLater(0.01, tick)

        tick()
        asked = [Deferred.fromCoroutine(asking.texts(f"d{number}.example")) for number in range(100)]
        for each in asked:
            each.addErrback(lambda failure: failure.trap(LookupFailed))
        begun = reactor.seconds()
        reactor.run_until(gatherResults(asked))
        assert reactor.seconds() - begun < 4
        assert sorted(gaps)[-3] < 0.2


class Liar(threading.Thread):
    """Answers with what is no answer, a number of times, before the true one."""

    def __init__(self, zones: Zones) -> None:
        super().__init__(daemon=True)
        self.zones = zones
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def run(self) -> None:
        octets, whence = self.socket.recvfrom(4096)
        query = dns.message.from_wire(octets)
        other = dns.message.make_query("other.example", "TXT", id=query.id)
        truth = self.zones.reply(query)
        assert truth is not None
        wrong_number = dns.message.make_response(query, our_payload=1232)
        wrong_number.id = query.id ^ 1
        for lie in (b"", octets[:3], octets[:2] + b"\xff" * 40, wrong_number.to_wire(), octets):
            self.socket.sendto(lie, whence)
        self.socket.sendto(dns.message.make_response(other).to_wire(), whence)
        self.socket.sendto(truth.to_wire(), whence)


def test_what_does_not_answer_the_question_is_passed_over(reactor: RealReactor) -> None:
    liar = Liar(Zones("a.example TXT truth"))
    liar.start()
    port = liar.socket.getsockname()[1]
    assert reactor.run_until(resolver(reactor, f"127.0.0.1:{port}").texts("a.example"))[0] == (b"truth",)
    liar.join(5)
    liar.socket.close()


class Ancient(Zones):
    def reply(self, query: dns.message.Message) -> dns.message.Message | None:
        if query.edns < 0:
            return super().reply(query)
        reply = dns.message.make_response(query)
        reply.use_edns(False)
        reply.set_rcode(dns.rcode.FORMERR)
        return reply


def test_a_nameserver_without_edns_is_asked_without(reactor: RealReactor) -> None:
    with Nameserver(Ancient("a.example TXT x")) as server:
        assert reactor.run_until(resolver(reactor, server.address).texts("a.example"))[0] == (b"x",)


@pytest.mark.skipif(not shutil.which("named"), reason="BIND's named is not installed: not tried against it")
def test_against_bind(reactor: RealReactor, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "zone").write_text(
        "$TTL 60\n@ SOA ns nobody 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n@ MX 10 m\n@ MX 0 n\n"
        "m CNAME ns\nn A 127.0.0.7\n" + "".join(f"big TXT {'x' * 200}{number:03}\n" for number in range(60))
    )
    (tmp_path / "conf").write_text(
        f'options {{ directory "{tmp_path}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
        f' pid-file "{tmp_path}/pid"; session-keyfile none; recursion no; }}; controls {{ }};'
        f' zone "a.example" {{ type master; file "{tmp_path}/zone"; }};\n'
    )
    command = ["named", "-g", "-c", str(tmp_path / "conf")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith("running"):
                break
        asking = resolver(reactor, f"127.0.0.1:{port}")
        found, secure = reactor.run_until(asking.mail_exchangers("a.example"))
        assert sorted(found) == [MailExchanger(0, "n.a.example"), MailExchanger(10, "m.a.example")]
        assert not secure
        assert reactor.run_until(asking.addresses("m.a.example"))[0] == ("127.0.0.1",)
        assert reactor.run_until(asking.canonical("m.a.example"))[0] == "ns.a.example"
        assert len(reactor.run_until(asking.texts("big.a.example"))[0]) == 60
        with pytest.raises(NoSuchDomain):
            reactor.run_until(asking.addresses("q.a.example"))
        with pytest.raises(LookupFailed, match="REFUSED"):
            reactor.run_until(asking.addresses("b.example"))
    finally:
        process.terminate()
        process.communicate(timeout=10)
