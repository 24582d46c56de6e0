"""ENABLE (RFC 5161): of what can be enabled we have CONDSTORE (RFC 7162 §3.1)."""

from mailserverd.imap.mailbox_session import use_condstore
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.enable import Enable


async def run(session: Session, command: Enable) -> Reply:
    fresh = []
    if b"CONDSTORE" in command.names and b"CONDSTORE" not in session.enabled:
        use_condstore(session)
        fresh.append(b" CONDSTORE")
    session.send(b"* ENABLED%b\r\n" % b"".join(fresh))
    return ok(b"Enabled")
