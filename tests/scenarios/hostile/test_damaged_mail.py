"""A blob that is gone, cut short or emptied: said to the reader and in the log; other mail is well."""

import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

PASSWORD = "secret"
LARGE = 300_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    with MailServer(tmp_path, {"anna@example.org": PASSWORD}, settings) as running:
        yield running


def large(seed: int) -> bytes:
    """A text part of its own, large enough to be a blob."""
    source = random.Random(seed)
    lines = b"".join(b"%064x\r\n" % source.getrandbits(256) for _ in range(LARGE // 66))
    return b"Subject: large %d\r\n\r\n%b" % (seed, lines)


def gone(blob: Path) -> None:
    blob.unlink()


def cut_short(blob: Path) -> None:
    os.truncate(blob, blob.stat().st_size // 2)


def emptied(blob: Path) -> None:
    os.truncate(blob, 0)


def a_folder(blob: Path) -> None:
    blob.unlink()
    blob.mkdir()


@pytest.mark.parametrize("damage", [gone, cut_short, emptied, a_folder])
def test_a_damaged_blob(server: MailServer, damage: Callable[[Path], None]) -> None:
    with Conversation(server, "imap") as talk, Conversation(server, "pop3") as pop:
        talk.until(b"* OK")
        talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
        known: set[Path] = set()
        blobs = []
        for seed in (1, 2):
            text = large(seed)
            talk.ask(b"a APPEND INBOX {%d+}\r\n%b" % (len(text), text), b"a OK")
            now = {path for path in (server.data / "blobs").rglob("*") if path.is_file()}
            blobs.append(max(now - known, key=lambda path: path.stat().st_size))
            known = now
        damage(blobs[0])
        talk.ask(b"a SELECT INBOX", b"a OK")
        refused = talk.ask(b"a FETCH 1 (BODY.PEEK[])", b"a NO", b"a OK")
        assert refused.startswith((b"a NO [CORRUPTION]", b"a NO [SERVERBUG]", b"a NO [UNAVAILABLE]")), refused
        talk.ask(b"a FETCH 1 (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])", b"a OK")
        whole = large(2)
        talk.send(b"a FETCH 2 (BODY.PEEK[])\r\n")
        assert whole in b"\r\n".join(talk.until(b"a OK")) + b"\r\n"
        pop.until(b"+OK")
        pop.ask(b"USER anna", b"+OK")
        pop.ask(f"PASS {PASSWORD}".encode(), b"+OK")
        assert pop.ask(b"RETR 1", b"-ERR", b"+OK").startswith(b"-ERR [SYS/PERM]")
        pop.send(b"RETR 2\r\n")
        assert (pop.line() or b"").startswith(b"+OK")
        pop.until(b".")
        pop.ask(b"QUIT", b"+OK")
        talk.ask(b"a SEARCH TEXT nowhere", b"a OK")
        talk.ask(b"a COPY 1:2 Trash", b"a OK")
    said = "".join(server.output)
    assert re.search(r" (error|warn) .*(blob|damaged|missing)", said), said[-2000:]
    report = server.cli("--json", "store", "check", check=False).stdout
    assert blobs[0].name[:16] in report
