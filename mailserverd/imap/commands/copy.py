"""COPY and UID COPY (RFC 9051 §6.4.7) with COPYUID (RFC 4315 §3)."""

from mailserverd.imap.mailbox_session import MailboxSession, selected_of
from mailserverd.imap.reply import Reply, no, ok
from mailserverd.mailstore.copy_move import Placement, copy
from mailserverd.model.errors import NotFound
from mailserverd.wire.imap.command.copy import Copy
from mailserverd.wire.imap.sequence_set import format_numbers

GONE = no(b"Some of the messages are expunged", b"EXPUNGEISSUED")


async def run(session: MailboxSession, command: Copy) -> Reply:
    selected = selected_of(session)
    spans = selected.spans(command.ids, command.uid)
    if not spans:
        return ok(b"No messages were named")
    if not command.uid and selected.are_gone(spans):  # RFC 9051 §6.4.7: all or nothing; RFC 2180 §4.4.1
        return GONE
    ranges = selected.uid_ranges(spans)
    try:
        placement = await copy(selected.mail, selected.mailbox_id, ranges, command.mailbox, session)
    except NotFound:  # RFC 9051 §6.4.7
        return no(b"No such mailbox", b"TRYCREATE")
    return ok(b"Copied", copy_uid(placement))


def copy_uid(placement: Placement) -> bytes:
    """COPYUID; nothing when nothing was copied."""
    if not placement.placed:
        return b""
    source = format_numbers([one.source_uid for one in placement.placed])
    target = format_numbers([one.uid for one in placement.placed])
    return b"COPYUID %d %b %b" % (placement.uid_validity, source, target)
