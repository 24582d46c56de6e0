"""CAPABILITY (RFC 9051 §6.1.1)."""

from mailserverd.imap.capabilities import capabilities
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session


async def run(session: Session, command: object) -> Reply:
    session.send(b"* CAPABILITY %b\r\n" % capabilities(session))
    return ok(b"Capabilities listed")
