"""NOOP (RFC 9051 §6.1.2): news is told before the answer, as after every command."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session


async def run(session: Session, command: object) -> Reply:
    return ok(b"Nothing done")
