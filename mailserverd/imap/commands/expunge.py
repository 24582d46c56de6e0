"""EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""

from mailserverd.imap.mailbox_session import MailboxSession, selected_of
from mailserverd.imap.reply import Reply, no, ok
from mailserverd.mailstore.expunge import expunge_deleted
from mailserverd.wire.imap.command.expunge import Expunge


async def run(session: MailboxSession, command: Expunge) -> Reply:
    selected = selected_of(session)
    if selected.read_only:
        return no(b"The mailbox is read-only")
    spans = [(0, selected.count)] if command.ids is None else selected.uid_spans(command.ids)
    modseq = None
    if selected.count and spans and selected.index.row.deleted:
        # only what this session was told of: RFC 9051 §6.4.3 speaks of messages the client can know
        _, modseq = await expunge_deleted(selected.mail, selected.mailbox_id, selected.uid_ranges(spans), session)
    session.send(selected.pending_updates(allow_expunge=True))
    code = b"HIGHESTMODSEQ %d" % modseq if modseq is not None and selected.condstore else b""  # RFC 7162 §3.2.10
    return ok(b"Expunged", code)
