"""MOVE and UID MOVE (RFC 6851): COPYUID in an untagged OK, then the EXPUNGEs, then the tagged OK (§4.3)."""

from mailserverd.imap.commands.copy import GONE, copy_uid
from mailserverd.imap.mailbox_session import MailboxSession, selected_of
from mailserverd.imap.reply import Reply, no, ok
from mailserverd.mailstore.copy_move import move
from mailserverd.model.errors import NotFound
from mailserverd.wire.imap.command.move import Move


async def run(session: MailboxSession, command: Move) -> Reply:
    selected = selected_of(session)
    spans = selected.spans(command.ids, command.uid)
    if selected.read_only:
        return no(b"The mailbox is read-only")
    if not spans:
        return ok(b"No messages were named")
    if not command.uid and selected.are_gone(spans):
        return GONE
    ranges = selected.uid_ranges(spans)
    try:
        placement = await move(selected.mail, selected.mailbox_id, ranges, command.mailbox, session)
    except NotFound:
        return no(b"No such mailbox", b"TRYCREATE")
    code = copy_uid(placement)
    if code:
        session.send(b"* OK [%b] Moved\r\n" % code)
    session.send(selected.pending_updates(allow_expunge=True, with_uid=command.uid))
    return ok(b"Moved" if code else b"The messages are gone already")
