"""mbsync both ways between us and a real Dovecot: after changes on both sides they converge, with no difference."""

import hashlib
import imaplib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.clients.dovecot import SECRET, USER, Dovecot
from tests.scenarios.clients.house import BOB, PASSWORD, certificate, crlf, imap, message, needs, run
from tests.scenarios.server import MailServer

pytestmark = [
    needs("mbsync", "dovecot"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot is started by root alone"),
]
_FOLDER = re.compile(rb'\((?P<attributes>[^)]*)\) "/" (?:"(?P<quoted>.*)"|(?P<atom>\S+))')
_TUID = re.compile(rb"(?m)^X-TUID: .*\r\n")
Snapshot = dict[str, list[tuple[bytes, frozenset[bytes], bytes]]]


@pytest.fixture
def peer() -> Iterator[Dovecot]:
    with Dovecot() as running:
        yield running


def configured(server: MailServer, peer: Dovecot, home: Path) -> Path:
    file = home / "mbsyncrc"
    (home / "sync").mkdir(exist_ok=True)
    file.write_text(
        f'IMAPAccount ours\nHost localhost\nPort {server.port("imaps")}\nUser {BOB}\nPass "{PASSWORD}"\n'
        f"SSLType IMAPS\nCertificateFile {certificate(server)}\nAuthMechs *\n\n"
        f"IMAPAccount theirs\nHost 127.0.0.1\nPort {peer.port}\nUser {USER}\nPass {SECRET}\nSSLType None\n\n"
        "IMAPStore far\nAccount ours\n\nIMAPStore near\nAccount theirs\n\n"
        f"Channel both\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\nSync All\n"
        f"CopyArrivalDate yes\nSyncState {home}/sync/\n"
    )
    return file


def folders(client: imaplib.IMAP4) -> list[str]:
    found = []
    for line in client.list()[1]:
        match = _FOLDER.fullmatch(line)
        assert match is not None, line
        if not {b"\\noselect", b"\\nonexistent"} & set(match["attributes"].lower().split()):
            found.append((match["quoted"] or match["atom"]).decode())
    return sorted(found)


def snapshot(client: imaplib.IMAP4) -> Snapshot:
    """Of every folder: octets, flags and date of each message."""
    seen: Snapshot = {}
    for name in folders(client):
        seen[name] = []
        status, count = client.select(f'"{name}"', readonly=True)
        assert status == "OK", count
        if count != [b"0"]:
            _, found = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
            seen[name] = sorted(read(part[0], part[1], found[i + 1]) for i, part in enumerate(found[:-1]) if i % 2 == 0)
    return seen


def read(head: bytes, octets: bytes, tail: bytes) -> tuple[bytes, frozenset[bytes], bytes]:
    flags = re.search(rb"FLAGS \(([^)]*)\)", head + tail)
    date = re.search(rb'INTERNALDATE "([^"]+)"', head + tail)
    assert flags is not None
    assert date is not None
    stored = frozenset(flags[1].lower().split()) - {b"\\recent"}
    return hashlib.sha256(_TUID.sub(b"", octets)).digest(), stored, date[1]


def put(client: imaplib.IMAP4, folder: str, subject: str, flags: str = "()") -> None:
    octets = crlf(message(subject, body=f".\n{subject}\n" * 5))
    assert client.append(f'"{folder}"', flags, '"17-Jul-2024 02:44:25 +0000"', octets)[0] == "OK"


def number(client: imaplib.IMAP4, folder: str, subject: str) -> str:
    assert client.select(f'"{folder}"')[0] == "OK"
    (found,) = client.search(None, "SUBJECT", f'"{subject}"')[1]
    return found.decode()


def change(client: imaplib.IMAP4, side: str) -> None:
    """Flags, new mail, a deletion, a move, new folders."""
    put(client, "INBOX", f"new-{side}", "(\\Flagged)")
    client.store(number(client, "INBOX", f"first-{side}"), "+FLAGS", "(\\Seen \\Answered)")
    client.store(number(client, "INBOX", f"second-{side}"), "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.store(number(client, "INBOX", f"flagged-{side}"), "-FLAGS", "(\\Flagged)")
    for name in (f"{side}", f"{side}/below", f"{side} with space", f"{side}-&AOQ-", f"{side}/&- co"):
        assert client.create(f'"{name}"')[0] == "OK"
        client.subscribe(f'"{name}"')
    put(client, f"{side}/below", f"below-{side}", "(\\Draft \\Seen)")
    put(client, f"{side}-&AOQ-", f"umlaut-{side}")
    client.copy(number(client, "INBOX", f"third-{side}"), f'"{side} with space"')
    client.store(number(client, "INBOX", f"third-{side}"), "+FLAGS", "(\\Deleted)")
    client.expunge()


def sync(file: Path, home: Path) -> str:
    return run("mbsync", "-c", file, "-a", home=home)


def test_two_way_sync_converges(server: MailServer, peer: Dovecot, tmp_path: Path) -> None:
    file = configured(server, peer, tmp_path)
    with imap(server, BOB) as ours, peer.connect() as theirs:
        for client, side in ((ours, "ours"), (theirs, "theirs")):
            for subject in ("first", "second", "third"):
                put(client, "INBOX", f"{subject}-{side}")
            put(client, "INBOX", f"flagged-{side}", "(\\Flagged \\Seen)")
        sync(file, tmp_path)
        before = snapshot(ours)
        assert before == snapshot(theirs)
        assert len(before["INBOX"]) == 8
        change(ours, "ours")
        change(theirs, "theirs")
        ours.store(number(ours, "INBOX", "first-theirs"), "+FLAGS", "(\\Flagged)")
        theirs.store(number(theirs, "INBOX", "first-ours"), "+FLAGS", "(\\Draft)")
        for client in (ours, theirs):
            client.close()
        sync(file, tmp_path)
        after = snapshot(ours)
        assert after == snapshot(theirs)
        assert len(after["INBOX"]) == 6
        assert {"ours/below", "theirs/below", "ours-&AOQ-", "theirs with space", "theirs/&- co"} <= set(after)
        assert after != before
        sync(file, tmp_path)
        assert snapshot(ours) == after == snapshot(theirs)
