"""CLOSE (RFC 9051 §6.4.1): what carries \\Deleted goes, silently, and no mailbox is selected."""

from contextlib import suppress

from mailserverd.imap.leaving import leave
from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.imap.reply import Reply, ok
from mailserverd.mailstore.expunge import expunge_deleted
from mailserverd.model.errors import NotFound


async def run(session: MailboxSession, command: object) -> Reply:
    selected = session.selected
    assert selected is not None
    if not selected.read_only and selected.count and selected.index.row.deleted:
        with suppress(NotFound):  # the mailbox was deleted by another session
            await expunge_deleted(
                selected.mail, selected.mailbox_id, selected.uid_ranges([(0, selected.count)]), session
            )
    await leave(session)
    return ok(b"Closed")
