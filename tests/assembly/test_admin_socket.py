"""The admin socket for real: a Unix socket in a directory with a long name, a client in a thread."""

import json
import os
import socket
import stat
import threading

import pytest
from twisted.internet.epollreactor import EPollReactor

from mailserverd.assembly import admin_socket
from mailserverd.assembly.admin_socket import SOCKET_NAME, AdminFactory, AdminSocket
from mailserverd.assembly.admin_verbs import AdminVerbs
from mailserverd.assembly.offline import run_in_reactor
from mailserverd.cli.admin_client import connected


async def echo(text: str = "") -> object:
    return {"echo": text}


async def sulk() -> object:
    from mailserverd.accounts.administration import VerbRefused

    raise VerbRefused("two\nlines")


def verbs():
    made = AdminVerbs()
    made.register("echo", echo)
    made.register("sulk", sulk)
    return made


@pytest.fixture
def directory(tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    return deep


def served(directory, talk):
    """What talk() gives, called in a thread while the socket is served."""
    result = []

    async def work(reactor: EPollReactor):
        from twisted.internet.threads import deferToThreadPool

        part = AdminSocket(reactor, directory, verbs())
        await part.start()
        try:
            result.append(await deferToThreadPool(reactor, reactor.getThreadPool(), talk))
        finally:
            await part.stop()

    run_in_reactor(work)
    return result[0]


def ask(directory, *lines):
    """The answers to these request lines, sent together."""
    connection = connected(directory)
    with connection, connection.makefile("rwb") as stream:
        stream.write(b"".join(line + b"\n" for line in lines))
        stream.flush()
        return [json.loads(stream.readline()) for _ in lines]


def answer_to_silence(directory):
    with connected(directory) as connection:
        return connection.recv(1000)


def request(verb, **arguments):
    return json.dumps({"verb": verb, "arguments": arguments}).encode()


def test_requests_are_answered_in_order(directory):
    answers = served(
        directory, lambda: ask(directory, request("echo", text="ü"), request("nope"), request("sulk"), b"{")
    )
    assert answers[0] == {"result": {"echo": "ü"}}
    assert answers[1] == {"error": "no such verb: nope"}
    assert answers[2] == {"error": "two lines"}
    assert answers[3]["error"].startswith("not a request")


def test_only_its_owner_may_open_it_and_it_goes_with_the_server(directory):
    def look():
        return stat.S_IMODE(os.lstat(directory / SOCKET_NAME).st_mode)

    assert served(directory, look) == 0o600
    assert not (directory / SOCKET_NAME).exists()
    assert connected(directory) is None


def test_a_socket_that_a_killed_server_left_is_replaced(directory):
    descriptor = os.open(directory, os.O_PATH)
    left = socket.socket(socket.AF_UNIX)
    left.bind(f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")
    left.close()
    os.close(descriptor)
    assert connected(directory) is None
    assert served(directory, lambda: ask(directory, request("echo"))) == [{"result": {"echo": ""}}]


def test_other_users_are_refused(directory, monkeypatch):
    monkeypatch.setattr(admin_socket, "_user_of", lambda transport: 12345)
    assert b"only root" in served(directory, lambda: answer_to_silence(directory))


def test_the_kernel_says_who_comes(directory, monkeypatch):
    seen = []
    user_of = admin_socket._user_of
    monkeypatch.setattr(admin_socket, "_user_of", lambda transport: seen.append(user_of(transport)) or seen[-1])
    served(directory, lambda: ask(directory, request("echo")))
    assert seen == [os.geteuid()]


def test_endless_requests_are_cut_off(directory, monkeypatch):
    monkeypatch.setattr(admin_socket, "MAX_LINE_OCTETS", 1000)
    answers = served(directory, lambda: ask(directory, b"x" * 2000))
    assert "at most 1000 octets" in answers[0]["error"]


def test_connections_are_bounded(directory, monkeypatch):
    monkeypatch.setattr(admin_socket, "MAX_CONNECTIONS", 2)

    def crowd():
        held = [connected(directory), connected(directory)]
        held[0].sendall(request("echo") + b"\n")
        held[1].sendall(request("echo") + b"\n")
        for each in held:
            assert b"echo" in each.recv(1000)
        refused = answer_to_silence(directory)
        for each in held:
            each.close()
        return refused

    assert b"not too many" in served(directory, crowd)


def test_whoever_waits_is_cut_off_when_the_server_stops(directory):
    left = []
    reader = []

    def leave_open():
        connection = connected(directory)
        connection.sendall(request("echo") + b"\n")
        connection.recv(1000)
        left.append(connection)
        thread = threading.Thread(target=lambda: reader.append(connection.recv(10)))
        thread.start()
        left.append(thread)

    served(directory, leave_open)
    left[1].join(10)
    left[0].close()
    assert reader == [b""]


def test_factory_counts_its_connections():
    factory = AdminFactory(verbs(), frozenset({0}))
    assert factory.buildProtocol(None) is not factory.buildProtocol(None)
    assert factory.connections == set()
