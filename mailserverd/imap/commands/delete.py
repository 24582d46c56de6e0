"""DELETE (RFC 9051 §6.3.5)."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import delete
from mailserverd.wire.imap.command.mailboxes import Delete


async def run(session: Session, command: Delete) -> Reply:
    await delete(session.mail, command.mailbox)
    return ok(b"Deleted")
