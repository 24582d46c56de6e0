"""Leaving the selected mailbox, however that comes about.

Standing rule: \\Recent that this session has announced is taken for good before another can select the mailbox.
"""

from contextlib import suppress

from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.interfaces.mail_store import TakeRecent
from mailserverd.model.errors import StoreError


async def leave(session: MailboxSession) -> None:
    selected, session.selected = session.selected, None
    if selected is None:
        return
    selected.close()
    if selected.read_only or selected.index.gone:
        return
    if selected.index.recent_claimed > selected.index.row.recent_from:
        with suppress(StoreError):  # \Recent may then be seen twice, which RFC 3501 §2.3.2 allows
            await selected.mail.commit([TakeRecent(selected.mailbox_id)], origin=session)
