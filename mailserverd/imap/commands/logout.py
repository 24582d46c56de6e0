"""LOGOUT (RFC 9051 §6.1.3)."""

from mailserverd.imap.leaving import leave
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session


async def run(session: Session, command: object) -> Reply:
    await leave(session)
    session.send(b"* BYE Logging out\r\n")
    session.closing = True
    return ok(b"Logged out")
