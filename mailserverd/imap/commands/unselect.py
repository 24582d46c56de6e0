"""UNSELECT (RFC 3691): as CLOSE, but nothing is expunged."""

from mailserverd.imap.leaving import leave
from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.imap.reply import Reply, ok


async def run(session: MailboxSession, command: object) -> Reply:
    await leave(session)
    return ok(b"Unselected")
