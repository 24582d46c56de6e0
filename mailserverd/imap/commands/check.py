"""CHECK (RFC 3501 §6.4.1): everything acknowledged is on its way to the disk already; news is told as after NOOP."""

from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.imap.reply import Reply, ok


async def run(session: MailboxSession, command: object) -> Reply:
    return ok(b"Checked")
