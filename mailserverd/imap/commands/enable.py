"""ENABLE (RFC 5161): of what can be enabled we have CONDSTORE (RFC 7162 §3.1)."""

from mailserverd.imap.mailbox_session import use_condstore
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.enable import Enable


async def run(session: Session, command: Enable) -> Reply:
    """An empty answer would say that nothing is on (RFC 5161 §3.2): what was on before is named too."""
    wanted = b""
    if b"CONDSTORE" in command.names:
        use_condstore(session)
        wanted = b" CONDSTORE"
    session.send(b"* ENABLED%b\r\n" % wanted)
    return ok(b"Enabled")
