"""CREATE (RFC 9051 §6.3.4), with the new MAILBOXID in the answer (RFC 8474 §4.1)."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import create
from mailserverd.model.identifiers import mailbox_id_text
from mailserverd.wire.imap.command.mailboxes import Create


async def run(session: Session, command: Create) -> Reply:
    made = await create(session.mail, command.mailbox)
    return ok(b"Created", b"MAILBOXID (%b)" % mailbox_id_text(made))
