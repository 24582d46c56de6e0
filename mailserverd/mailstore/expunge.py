"""Removing messages for good.

Standing rule: what is reported as gone is on disk (an expunge is never acknowledged early).
"""

from mailserverd.interfaces.mail_store import AccountMail, Expunge, UidRanges
from mailserverd.model.identifiers import MailboxId, ModSeq, Uid


async def expunge_deleted(
    mail: AccountMail, mailbox_id: MailboxId, uids: UidRanges, origin: object | None = None
) -> tuple[tuple[Uid, ...], ModSeq]:
    """Those of `uids` that carry \\Deleted; which they were, and the account's modseq after it."""
    done = await mail.commit([Expunge(mailbox_id, uids, only_deleted=True)], origin=origin)
    return done.results[0].done, done.modseq


async def remove(
    mail: AccountMail, mailbox_id: MailboxId, uids: UidRanges, origin: object | None = None
) -> tuple[Uid, ...]:
    """All of `uids`, whatever their flags (POP3 DELE, JMAP destroy)."""
    done = await mail.commit([Expunge(mailbox_id, uids, only_deleted=False)], origin=origin)
    return done.results[0].done
