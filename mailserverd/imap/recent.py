"""\\Recent: a message is announced as new to one read-write session only (RFC 3501 §2.3.2).

Standing rules: claimed in memory at once, in the index that all sessions share; taken for good by a commit that no
answer waits for, and again before the session leaves the mailbox, for what came meanwhile.
"""

from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.imap.selected import Selected
from mailserverd.interfaces.mail_store import TakeRecent
from mailserverd.model.errors import StoreError

log = Logger()


async def take_recent(session: MailboxSession, selected: Selected) -> None:
    index = selected.index
    if not selected.read_only and not index.gone and index.recent_claimed > index.row.recent_from:
        with suppress(StoreError):  # \Recent may then be seen twice, which RFC 3501 §2.3.2 allows
            await selected.mail.commit([TakeRecent(selected.mailbox_id)], origin=session)


def take_recent_soon(session: MailboxSession, selected: Selected) -> None:
    """Without waiting for the disk."""
    taken = Deferred.fromCoroutine(take_recent(session, selected))
    taken.addErrback(lambda failure: log.failure("could not take what is recent", failure))
