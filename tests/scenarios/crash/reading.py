"""Everything that a server holds for an account, read by IMAP."""

import imaplib
import re
import time
from typing import NamedTuple

from tests.scenarios.server import MailServer

OPENS_WITHIN_SECONDS = 1.0
_FETCHED = re.compile(rb"UID ([0-9]+) FLAGS \(([^)]*)\)")


class Found(NamedTuple):
    """messages: (uid, flags without \\Recent, octets)."""

    uid_validity: int
    uid_next: int
    modseq: int
    messages: list[tuple[int, frozenset[str], bytes]]


def everything(server: MailServer, user: str, password: str) -> dict[str, Found]:
    client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    try:
        client.login(user, password)
        names = [line.rpartition(b' "/" ')[2].strip(b'"').decode() for line in client.list()[1]]  # type: ignore[union-attr]
        return {name: _mailbox(client, name) for name in names}
    finally:
        client.logout()


def _mailbox(client: imaplib.IMAP4, name: str) -> Found:
    began = time.monotonic()
    status, [count] = client.select(name, readonly=True)
    assert status == "OK", count
    assert time.monotonic() - began < OPENS_WITHIN_SECONDS, f"{name} does not open at once"
    numbers = [int(client.response(key)[1][0]) for key in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ")]  # type: ignore[arg-type]
    messages = []
    if int(count):  # type: ignore[arg-type]
        _, parts = client.fetch("1:*", "(UID FLAGS BODY.PEEK[])")
        for part in parts:
            if isinstance(part, tuple):
                found = _FETCHED.search(part[0])
                assert found is not None, part[0]
                flags = frozenset(found[2].decode().split()) - {"\\Recent"}
                messages.append((int(found[1]), flags, part[1]))
        assert len(messages) == int(count)  # type: ignore[arg-type]
    return Found(*numbers, messages)
