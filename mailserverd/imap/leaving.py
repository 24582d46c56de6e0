"""Leaving the selected mailbox, however that comes about.

Standing rule: \\Recent that this session has announced is taken for good before another can select the mailbox.
"""

from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.imap.recent import take_recent


async def leave(session: MailboxSession) -> None:
    selected, session.selected = session.selected, None
    if selected is None:
        return
    selected.close()
    await take_recent(session, selected)
