"""ENABLE (RFC 5161): of what can be enabled we have CONDSTORE (RFC 7162 §3.1)."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.enable import Enable


async def run(session: Session, command: Enable) -> Reply:
    fresh = []
    if b"CONDSTORE" in command.names and b"CONDSTORE" not in session.enabled:
        session.enabled |= {b"CONDSTORE"}
        session.condstore = True
        fresh.append(b" CONDSTORE")
        if session.selected is not None:
            session.selected.condstore = True
    session.send(b"* ENABLED%b\r\n" % b"".join(fresh))
    return ok("Enabled")
