"""Seen from the kernel: no message is acknowledged before an fsync that began after its last octet had come."""

import re
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.scenarios.hostile.system_calls import STRACE, Call, calls_of, command
from tests.scenarios.server import MailServer

SESSIONS, EACH = 8, 25
PASSWORD = "correct horse"
TRACED = "openat,fsync,fdatasync,msync,recvfrom,read,readv,recvmsg,sendto,sendmsg,write,writev"
USERS = tuple(f"user{number}@example.org" for number in range(SESSIONS))
LAST_OCTETS = re.compile(r"end-of-(\w+)-end")


def message(name: str) -> bytes:
    return b"From: a@b.test\r\nSubject: x\r\n\r\n" + b"a line of text\r\n" * 40 + b"end-of-%b-end\r\n" % name.encode()


class Client:
    """One session; what is sent to all of them before any answer is read is one burst of load."""

    def __init__(self, port: int, session: int) -> None:
        self.user = USERS[session]
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.lines = self.socket.makefile("rb")
        self.until(b"220 ", b"* OK ")

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def until(self, *starts: bytes) -> None:
        while not (line := self.lines.readline()).startswith(starts):
            assert line[:1] in b"2+*", line

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def in_rounds(port: int, door: str, greeting: bytes, each: Callable[[Client, bytes], Iterator[bytes]]) -> None:
    """All sessions do the same steps, each step at once; a step is what `each` sends, and the answer it waits for."""
    clients = [Client(port, session) for session in range(SESSIONS)]
    for client in clients:
        client.send(greeting % client.user.encode())
    for client in clients:
        client.until(b"250 ", b"login OK")
    for number in range(EACH):
        names = [f"{door}x{session}x{number}" for session in range(SESSIONS)]
        rounds = [each(client, message(name)) for client, name in zip(clients, names, strict=True)]
        for steps in zip(*rounds, strict=True):
            for client, octets in zip(clients, steps, strict=True):
                client.send(octets)
    for client in clients:
        client.close()


def by_smtp(client: Client, octets: bytes) -> Iterator[bytes]:
    yield b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%b>\r\nDATA\r\n" % client.user.encode()
    client.until(b"354")
    yield octets + b".\r\n"
    client.until(b"250 2.0.0", b"250 2.1.5")


def by_append(client: Client, octets: bytes) -> Iterator[bytes]:
    yield b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(octets), octets)
    client.until(b"a OK")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """A server that takes 200 messages by each door, eight sessions at once, and what it asked of the kernel."""
    if STRACE is None:
        pytest.skip("NOT TESTED: there is no strace on this machine, so nobody looked at the order of system calls")
    folder = tmp_path_factory.mktemp("traced")
    server = MailServer(
        folder,
        dict.fromkeys(USERS, PASSWORD),
        {"limits": {"exempt_networks": ["127.0.0.0/8"]}, "login": {"insecure_login_networks": ["127.0.0.0/8"]}},
    )
    path = folder / "strace"
    server.start(*command(path, TRACED))
    try:
        in_rounds(server.port("smtp"), "smtp", b"EHLO %.0bme\r\n", by_smtp)
        in_rounds(server.port("lmtp"), "lmtp", b"LHLO %.0bme\r\n", by_smtp)
        in_rounds(server.port("imap"), "imap", b"login LOGIN %%b %b\r\n" % b'"correct horse"', by_append)
    finally:
        server.stop()
    return list(calls_of(path))


def is_sync(call: Call) -> bool:
    return call.name in ("fsync", "fdatasync") and "data.mdb" in call.text and call.text.endswith("= 0")


def acknowledged(trace: list[Call], door: str) -> list[tuple[str, int, int]]:
    """(message, where its last octets came, where its answer went), in the order of the answers."""
    waiting: dict[str, tuple[str, int]] = {}
    found = []
    for call in trace:
        connection = call.text.partition(">")[0]
        if call.name in ("recvfrom", "read", "recvmsg", "readv"):
            for name in LAST_OCTETS.findall(call.text):
                if name.startswith(door):
                    waiting[connection] = name, call.end
        elif connection in waiting and ('"250 ' in call.text or " OK [APPENDUID " in call.text):
            name, received = waiting.pop(connection)
            found.append((name, received, call.begin))
    return found


@pytest.mark.parametrize("door", ["smtp", "lmtp", "imap"])
def test_every_answer_follows_an_fsync_that_follows_the_message(trace: list[Call], door: str) -> None:
    syncs = [call for call in trace if is_sync(call)]
    answers = acknowledged(trace, door)
    assert len(answers) == len({name for name, _, _ in answers}) == SESSIONS * EACH
    for name, received, answered in answers:
        assert any(received < sync.begin and sync.end < answered for sync in syncs), (
            f"message {name} came by line {received} and was acknowledged at {answered} without an fsync between"
        )


@pytest.mark.parametrize("door", ["smtp", "lmtp", "imap"])
def test_many_answers_for_an_fsync(trace: list[Call], door: str) -> None:
    answers = acknowledged(trace, door)
    first, last = min(received for _, received, _ in answers), max(answered for _, _, answered in answers)
    syncs = sum(1 for call in trace if is_sync(call) and first < call.begin < last)
    assert syncs, "the search for fsyncs finds none"
    assert len(answers) >= 2 * syncs, f"{len(answers)} answers took {syncs} fsyncs: there is no group commit"


def test_the_page_that_makes_a_commit_count_is_written_through(trace: list[Call]) -> None:
    """LMDB's meta page goes through a descriptor of its own, which has to be O_DSYNC for an fsync to be enough."""
    opened = [call.text for call in trace if call.name == "openat" and "data.mdb" in call.text]
    assert any("O_DSYNC" in text for text in opened), opened
