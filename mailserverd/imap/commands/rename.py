"""RENAME (RFC 9051 §6.3.6)."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import rename
from mailserverd.wire.imap.command.mailboxes import Rename


async def run(session: Session, command: Rename) -> Reply:
    await rename(session.mail, command.mailbox, command.new_name)
    return ok(b"Renamed")
