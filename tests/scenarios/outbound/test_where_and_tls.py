"""Routes, loops and TLS policies at the real process: what each domain publishes, and what becomes of mail to it."""

import hashlib
import json
import smtplib
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.nameserver.authority import Authority, HttpsServer
from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones
from tests.scenarios.outbound.peer import Peer
from tests.scenarios.server import MailServer, free_port, until

ANNA, SECRET = "anna@example.org", "secret of anna"
MESSAGE = b"From: anna@example.org\r\nSubject: hello\r\n\r\ntext\r\n"
HOSTS = {
    "good": "127.0.0.21",
    "stranger": "127.0.0.22",
    "plain": "127.0.0.23",
    "broken": "127.0.0.24",
    "lmtp": "127.0.0.25",
}
POLICY = "version: STSv1\nmode: enforce\nmx: {}\nmax_age: 86400\n"


def tlsa(certificate: Path) -> str:
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"TLSA 3 1 1 {hashlib.sha256(spki).hexdigest()}"


class World:
    def __init__(self, folder: Path) -> None:
        port = free_port()
        authority = Authority(folder)
        (folder / "elsewhere").mkdir()
        other = Authority(folder / "elsewhere")
        certificates = {
            "good": authority.issue("good.example"),
            "stranger": other.issue("stranger.example"),
            "broken": other.issue("broken.example"),
        }
        self.peers = {name: Peer(host, port, certificate=certificates.get(name)) for name, host in HOSTS.items()}
        self.peers["broken"].answer = lambda verb, argument, session: "220 go" if verb == "STARTTLS" else None
        sts = ("sts.test", "stsplain.test", "stsother.test")
        self.zones = Zones(
            *(f"{name}.example A {host}" for name, host in HOSTS.items()),
            *(f"mta-sts.{domain} A 127.0.0.1" for domain in sts),
            *(f'_mta-sts.{domain} TXT "v=STSv1; id=1;"' for domain in sts),
            "sts.test MX 10 good.example",
            "stsplain.test MX 10 plain.example",
            "stsother.test MX 10 good.example",
            "secure.test MX 10 stranger.example",
            f"_{port}._tcp.stranger.example {tlsa(certificates['stranger'])}",
            "forged.test MX 10 forged.example",
            "forged.example A 127.0.0.21",
            f"_{port}._tcp.forged.example {tlsa(certificates['stranger'])}",
            "broken.test MX 10 broken.example",
            "round.test MX 10 mail.example.org",
            "cname.test CNAME end.test",
            "end.test MX 10 alias.test",
            "alias.test CNAME plain.example",
            secure=["secure.test", "stranger.example", "forged.test", "forged.example"],
        )
        self.nameserver = Nameserver(self.zones)
        self.web = HttpsServer(authority.issue(*(f"mta-sts.{domain}" for domain in sts)), self.policy)
        outbound = {
            "remote_port": port,
            "sts_port": self.web.port,
            "ca_file": str(authority.file),
            "retry_seconds": [2],
        }
        settings = {"dns": {"nameservers": [self.nameserver.address]}, "outbound": outbound}
        self.server = MailServer(folder / "server", {ANNA: SECRET}, settings)
        with self.server.config_path.open("a") as file:
            file.write(f'\n[[outbound.routes]]\ndomain = ".list.test"\ntarget = "lmtp://{HOSTS["lmtp"]}:{port}"\n')

    def policy(self, request: BaseHTTPRequestHandler) -> None:
        host = (request.headers["Host"] or "").partition(":")[0]
        named = {"mta-sts.sts.test": "*.example", "mta-sts.stsplain.test": "plain.example"}.get(host, "x.example")
        body = POLICY.format(named).encode()
        request.send_response(200 if request.path == "/.well-known/mta-sts.txt" else 404)
        request.send_header("Content-Type", "text/plain")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def submit(self, recipient: str, *options: str) -> None:
        context = ssl.create_default_context(cafile=str(self.server.folder / "tls/certificate.pem"))
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", self.server.port("submission"), timeout=20) as client:
            client.starttls(context=context)
            client.login(ANNA, SECRET)
            client.sendmail(ANNA, [recipient], MESSAGE, mail_options=list(options))

    def row(self, recipient: str, verb: str = "list") -> dict[str, Any]:
        """Of the queue, or of the errors; {} where it is not."""
        rows = self.server.ask(f"queue {verb}")["rows"]
        return next((row for row in rows if row["recipient"] == recipient), {})

    def taken(self, peer: str, recipient: str) -> bool:
        return bool(self.peers[peer].taken_by(recipient))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("where"))
    with made.nameserver, made.web, made.server:
        for peer in made.peers.values():
            peer.__enter__()
        yield made
        for peer in made.peers.values():
            peer.__exit__(None, None, None)


def test_an_enforced_policy_that_is_met(world: World) -> None:
    world.submit("x@sts.test")
    until(lambda: world.taken("good", "x@sts.test"))
    assert world.peers["good"].taken_by("x@sts.test")[0].tls


@pytest.mark.parametrize("domain", ["stsplain.test", "stsother.test", "forged.test"])
def test_a_policy_that_is_not_met_is_tried_again_and_nothing_goes(world: World, domain: str) -> None:
    world.submit(f"x@{domain}")
    until(lambda: world.row(f"x@{domain}").get("attempts", 0) >= 1)
    row = world.row(f"x@{domain}")
    assert row["state"] in ("deferred", "in_flight")
    assert row["last_status"].startswith("4.7.")
    assert not any(peer.taken_by(f"x@{domain}") for peer in world.peers.values())
    world.server.cli("queue", "drop", "--domain", domain)


def test_dane_knows_a_certificate_that_no_authority_signed(world: World) -> None:
    world.submit("x@secure.test")
    until(lambda: world.taken("stranger", "x@secure.test"))
    assert world.peers["stranger"].taken_by("x@secure.test")[0].tls


def test_a_broken_handshake_means_plaintext_at_the_next_attempt(world: World) -> None:
    world.submit("x@broken.test")
    until(lambda: world.taken("broken", "x@broken.test"))
    assert not world.peers["broken"].taken_by("x@broken.test")[0].tls
    assert len(world.peers["broken"].sessions) == 2


def test_mail_that_leads_back_to_us_fails_at_once(world: World) -> None:
    world.submit("x@round.test")
    until(lambda: world.row("x@round.test", "errors"))
    assert world.row("x@round.test", "errors")["last_status"] == "5.4.6"


def test_requiretls_without_a_way_fails_at_once(world: World) -> None:
    for domain in ("end.test", "secure.test"):  # nobody vouches for the first, and the second does not offer it
        world.submit(f"r@{domain}", "REQUIRETLS")
        until(lambda domain=domain: world.row(f"r@{domain}", "errors"))
        assert world.row(f"r@{domain}", "errors")["last_status"] == "5.7.30"


def test_cnames_are_followed(world: World) -> None:
    world.submit("x@cname.test")
    until(lambda: world.taken("plain", "x@cname.test"))


def test_a_route_to_lmtp(world: World) -> None:
    world.submit("x@a.list.test")
    until(lambda: world.taken("lmtp", "x@a.list.test"))


def test_status_says_that_dane_is_on(world: World) -> None:
    assert json.loads(world.server.cli("--json", "status").stdout)["dane"] == "on"
