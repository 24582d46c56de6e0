"""COPY and MOVE between mailboxes of one account.

Standing rules: a copy keeps flags, internal date and email id; the whole set or nothing (RFC 9051 §6.4.7); the store
judges inside its commit who still has a message, so of two sessions that move it one gets it (RFC 6851 §3.3).
"""

from typing import NamedTuple

from mailserverd.interfaces.mail_store import AccountMail, Copy, Move, Placed, UidRanges
from mailserverd.mailstore.mailboxes import find
from mailserverd.model.identifiers import MailboxId


class Placement(NamedTuple):
    """Where messages went: placed is in the order of the source's UIDs."""

    uid_validity: int
    placed: tuple[Placed, ...]


async def copy(
    mail: AccountMail, mailbox_id: MailboxId, uids: UidRanges, target: str, origin: object | None = None
) -> Placement:
    """Raises NotFound (no mailbox `target`), OverQuota, LimitReached, TryAgain."""
    row = await find(mail, target)
    done = await mail.commit([Copy(mailbox_id, uids, row.mailbox_id)], origin=origin)
    return Placement(row.uid_validity, done.results[0].placed)


async def move(
    mail: AccountMail, mailbox_id: MailboxId, uids: UidRanges, target: str, origin: object | None = None
) -> Placement:
    """As copy; what was moved is gone from `mailbox_id` when this returns."""
    row = await find(mail, target)
    done = await mail.commit([Move(mailbox_id, uids, row.mailbox_id)], origin=origin)
    return Placement(row.uid_validity, done.results[0].placed)
