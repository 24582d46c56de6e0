"""The real process on a full disk: temporary refusals, a log line that says what to do; with room made it goes on."""

import os
import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer
from tests.scenarios.small_disk import mounted

USER, PASSWORD = "anna@example.org", "secret"
SETTINGS = {
    "limits": {"exempt_networks": ["127.0.0.0/8"]},
    "login": {"insecure_login_networks": ["127.0.0.0/8"]},
}
MAX_MESSAGES = 2000
SMALL_FILES = (
    sys.executable,
    "-c",
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, resource.RLIM_INFINITY)); "
    "os.execv(sys.argv[1], sys.argv[1:])",
)


@contextmanager
def small_disk(folder: Path) -> Iterator[tuple[MailServer, Callable[[], None]]]:
    """A tmpfs of a few MiB under the whole data directory."""
    with mounted(folder / "data", 8) as make_room, MailServer(folder, {USER: PASSWORD}, SETTINGS) as server:
        yield server, make_room


@contextmanager
def small_files(folder: Path) -> Iterator[tuple[MailServer, Callable[[], None]]]:
    """No file of the server may grow above a few MiB."""
    server = MailServer(folder, {USER: PASSWORD}, SETTINGS)
    server.start(*SMALL_FILES)
    no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    try:
        yield server, lambda: resource.prlimit(server.pid, resource.RLIMIT_FSIZE, no_limit) and None
    finally:
        if server.process is not None:
            server.stop()


def imap(server: MailServer) -> Conversation:
    talk = Conversation(server, "imap")
    talk.until(b"* OK")
    talk.ask(b"a LOGIN anna secret", b"a OK")
    return talk


class Filling:
    """acknowledged: marks of what was answered 250 or OK."""

    def __init__(self, server: MailServer) -> None:
        self.server, self.acknowledged, self.next = server, set[bytes](), 0

    def message(self, octets: int) -> tuple[bytes, bytes]:
        self.next += 1
        mark = b"mark-%d-" % self.next
        return mark, b"Subject: %b\r\n\r\n%b\r\n" % (mark, os.urandom(octets // 2).hex().encode())

    def deliver(self, talk: Conversation, octets: int) -> bytes:
        mark, text = self.message(octets)
        talk.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n")
        answers = [talk.line() or b"" for _ in range(3)]
        if answers[2][:3] != b"354":
            return answers[2]
        talk.send(text, b".\r\n")
        answer = talk.line() or b""
        if answer[:3] == b"250":
            self.acknowledged.add(mark)
        return answer

    def append(self, talk: Conversation, octets: int) -> bytes:
        mark, text = self.message(octets)
        answer = talk.ask(b"a APPEND INBOX {%d+}\r\n%b" % (len(text), text), b"a ")
        if answer.startswith(b"a OK"):
            self.acknowledged.add(mark)
        return answer

    def compare(self) -> None:
        """Everything acknowledged is there, once."""
        with imap(self.server) as talk:
            talk.ask(b"a SELECT INBOX", b"a OK")
            talk.send(b"a FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
            found = [line[9:] for line in talk.until(b"a OK") if line.startswith(b"Subject: ")]
        assert len(found) == len(set(found))
        assert self.acknowledged <= set(found)


@pytest.mark.parametrize("limit", [small_disk, small_files])
@pytest.mark.parametrize("octets", [6_000, 200_000])
def test_a_full_disk_is_told_and_survived(
    tmp_path: Path, limit: Callable[[Path], "contextmanager[tuple[MailServer, Callable[[], None]]]"], octets: int
) -> None:
    """Once with what the database keeps, once with blobs in files of their own."""
    if limit is small_files and octets > 100_000:
        octets = 8 << 20  # a file by itself
    with limit(tmp_path) as (server, make_room):
        filling = Filling(server)
        with Conversation(server, "smtp") as smtp, imap(server) as reader:
            smtp.until(b"220 ")
            smtp.ask(b"EHLO me", b"250 ")
            answer = b""
            for _ in range(MAX_MESSAGES):
                if (answer := filling.deliver(smtp, octets))[:3] != b"250":
                    break
            assert answer.startswith((b"452 4.3.1 ", b"451 4.3.0 ")), answer
            for _ in range(MAX_MESSAGES):  # a few more may find room where one by SMTP did not
                if not (refused := filling.append(reader, octets)).startswith(b"a OK"):
                    break
            assert refused.startswith((b"a NO [UNAVAILABLE]", b"a NO [LIMIT]")), refused
            reader.ask(b"a SELECT INBOX", b"a OK")
            reader.ask(b"a FETCH 1:* (BODY.PEEK[])", b"a OK") if filling.acknowledged else None
            said = "".join(server.output)
            assert re.search(" error .*(free|look at) .*(space|disk)", said), said[-3000:]
            make_room()
            assert filling.deliver(smtp, octets).startswith(b"250 ")
            assert filling.append(reader, octets).startswith(b"a OK")
        filling.compare()
        server.stop()
        server.start()
        filling.compare()
        assert server.cli("store", "check").returncode == 0
