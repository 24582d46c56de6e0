"""ENABLE (RFC 5161): of what can be enabled we have CONDSTORE (RFC 7162 §3.1)."""

from mailserverd.imap.mailbox_session import use_condstore
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.enable import Enable


async def run(session: Session, command: Enable) -> Reply:
    """RFC 5161 §3.2: what was asked for and is on now is named, also where it was on before."""
    enabled = b""
    if b"CONDSTORE" in command.names:
        use_condstore(session)
        enabled = b" CONDSTORE"
    session.send(b"* ENABLED%b\r\n" % enabled)
    return ok(b"Enabled")
