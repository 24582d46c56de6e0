"""SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8)."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import subscribe, unsubscribe
from mailserverd.wire.imap.command.mailboxes import Subscribe, Unsubscribe


async def run(session: Session, command: Subscribe | Unsubscribe) -> Reply:
    if isinstance(command, Subscribe):
        await subscribe(session.mail, command.mailbox)
        return ok(b"Subscribed")
    await unsubscribe(session.mail, command.mailbox)
    return ok(b"Unsubscribed")
