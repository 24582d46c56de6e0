"""HTTP over real sockets: names, certificates, bounds and deadlines."""

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mailserverd.queue.https import HttpAnswer, HttpClient, RequestFailed
from mailserverd.queue.https_trust import Authorities
from tests.nameserver.authority import Authority, HttpsServer
from tests.nameserver.real import RealReactor
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones

Request = BaseHTTPRequestHandler


@pytest.fixture
def reactor() -> Iterator[RealReactor]:
    made = RealReactor()
    yield made
    made.end()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def client(reactor: RealReactor, ca_file: Path | None, *lines: str) -> HttpClient:
    async def inline(function: Any, argument: Any) -> Any:
        return function(argument)

    zones = Zones(*(lines or ("p.example A 127.0.0.1",)))
    return HttpClient(reactor, ZoneResolver(zones, reactor), Authorities(lambda: ca_file, inline), Random(1))


def says(body: bytes, status: int = 200, content_type: str = "text/plain") -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        request.send_response(status)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def test_get(reactor: RealReactor, authority: Authority) -> None:
    with HttpsServer(authority.issue("p.example"), says(b"hello")) as server:
        asking = client(reactor, authority.file).get(f"https://p.example:{server.port}/x", 100, 5)
        assert reactor.run_until(asking) == HttpAnswer(200, "text/plain", b"hello")


def test_post(reactor: RealReactor, authority: Authority) -> None:
    seen: list[Any] = []

    def answer(request: Request) -> None:
        seen.append((request.path, request.headers["X-Y"], request.rfile.read(int(request.headers["Content-Length"]))))
        says(b"", 201)(request)

    with HttpsServer(None, answer) as server:
        posting = client(reactor, None).post(f"http://127.0.0.1:{server.port}/x?y", b"body", {"X-Y": "z"})
        assert reactor.run_until(posting) == 201
    assert seen == [("/x?y", "z", b"body")]


def test_an_address_that_refuses_is_passed_over(reactor: RealReactor, authority: Authority) -> None:
    with HttpsServer(authority.issue("p.example"), says(b"hello")) as server:
        asking = client(reactor, authority.file, "p.example AAAA ::1", "p.example A 127.0.0.1")
        assert reactor.run_until(asking.get(f"https://p.example:{server.port}/", 100, 5)).body == b"hello"


@pytest.mark.parametrize("case", ["stranger", "other name", "expired"])
def test_a_certificate_that_will_not_do(reactor: RealReactor, authority: Authority, case: str) -> None:
    name, days = ("q.example" if case == "other name" else "p.example"), (-1 if case == "expired" else 30)
    seen: list[Request] = []
    with HttpsServer(authority.issue(name, days=days), seen.append) as server:
        asking = client(reactor, None if case == "stranger" else authority.file)
        with pytest.raises(RequestFailed) as caught:
            reactor.run_until(asking.get(f"https://p.example:{server.port}/", 100, 5))
    assert caught.value.certificate
    assert "certificate" in str(caught.value)
    assert seen == []


def test_a_redirect_is_an_answer(reactor: RealReactor, authority: Authority) -> None:
    def answer(request: Request) -> None:
        request.send_response(302)
        request.send_header("Location", "https://q.example/")
        request.send_header("Content-Length", "0")
        request.end_headers()

    with HttpsServer(authority.issue("p.example"), answer) as server:
        found = reactor.run_until(client(reactor, authority.file).get(f"https://p.example:{server.port}/", 100, 5))
    assert found.status == 302


def endless_body(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/plain")
    request.end_headers()
    _forever(request, b"x" * 4096)


def endless_headers(request: Request) -> None:
    request.send_response(200)
    request.flush_headers()
    _forever(request, b"X-A: " + b"y" * 900 + b"\r\n")


def drips(request: Request) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"x")
        time.sleep(0.1)


def says_nothing(request: Request) -> None:
    time.sleep(3)


def breaks_off(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"x")
    request.close_connection = True


def no_http(request: Request) -> None:
    request.wfile.write(b"220 mail ready\r\n" * 10)
    request.close_connection = True


def _forever(request: Request, octets: bytes) -> None:
    for _ in range(100_000):
        request.wfile.write(octets)


@pytest.mark.parametrize("answer", [endless_body, endless_headers, drips, says_nothing, breaks_off, no_http])
def test_bad_answers_end_soon(reactor: RealReactor, authority: Authority, answer: Callable[[Request], None]) -> None:
    with HttpsServer(authority.issue("p.example"), answer) as server:
        begun = reactor.seconds()
        with pytest.raises(RequestFailed) as caught:
            reactor.run_until(client(reactor, authority.file).get(f"https://p.example:{server.port}/", 65536, 1))
    assert reactor.seconds() - begun < 2.5
    assert not caught.value.certificate


@pytest.mark.parametrize("line", ["p.example TXT x", "q.example A 127.0.0.1"])
def test_no_address_is_no_answer(reactor: RealReactor, line: str) -> None:
    with pytest.raises(RequestFailed):
        reactor.run_until(client(reactor, None, line).get("https://p.example/", 100, 5))


def test_a_file_without_authorities_is_an_error(reactor: RealReactor, tmp_path: Path) -> None:
    file = tmp_path / "nothing.pem"
    for content in (None, b"x"):
        if content:
            file.write_bytes(content)
        with pytest.raises(RequestFailed):
            reactor.run_until(client(reactor, file).get("https://127.0.0.1:1/", 100, 5))
