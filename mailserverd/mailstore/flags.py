"""Setting flags on messages.

Standing rules: the store judges each message inside its commit; a large set goes in steps, so that other accounts'
commits come between (STORE is atomic for a message, not for a set: RFC 9051 §6.4.6).
"""

from collections.abc import Sequence
from typing import NamedTuple

from mailserverd.interfaces.mail_store import AccountMail, SetFlags, UidRanges
from mailserverd.model.errors import NotPermitted
from mailserverd.model.flags import MAX_KEYWORD_OCTETS, SYSTEM_BITS
from mailserverd.model.identifiers import MailboxId, ModSeq, Uid

STEP = 4_096  # messages a commit


def check_flags(flags: tuple[str, ...]) -> None:
    """Raises NotPermitted: a flag that nobody may set, or that is no flag."""
    for flag in flags:
        if flag[:1] == "\\":
            if flag.lower() not in SYSTEM_BITS:
                raise NotPermitted(f"Flag {flag} cannot be set")
        elif not flag or len(flag.encode()) > MAX_KEYWORD_OCTETS:
            raise NotPermitted("A keyword is empty or too long")


class FlagsSet(NamedTuple):
    """What one step did: uids whose flags are as wished, uids left alone, and the modseq of the step's commit."""

    done: Sequence[Uid]
    modified: Sequence[Uid]
    modseq: ModSeq


async def set_flags(
    mail: AccountMail,
    mailbox_id: MailboxId,
    uids: UidRanges,
    how: str,
    flags: tuple[str, ...],
    unchanged_since: ModSeq | None = None,
    origin: object | None = None,
) -> FlagsSet:
    """One step: `uids` name at most STEP messages. Raises NotFound, LimitReached (keywords), TryAgain."""
    done = await mail.commit([SetFlags(mailbox_id, uids, how, flags, unchanged_since)], origin=origin)
    result = done.results[0]
    return FlagsSet(result.done, result.modified, done.modseq)


async def set_seen(mail: AccountMail, mailbox_id: MailboxId, uids: UidRanges, origin: object | None = None) -> FlagsSet:
    """The implicit \\Seen of reading a body (RFC 9051 §6.4.5)."""
    return await set_flags(mail, mailbox_id, uids, "add", ("\\Seen",), None, origin)
