"""SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3; RFC 3501 for RECENT and UNSEEN; RFC 7162 §3.1.2; RFC 8474 §4.1).

Standing rules: nothing is counted here: every number is kept by the store or remembered with the index; the answer
waits for no commit.
"""

from mailserverd.imap.first_unseen import first_unseen
from mailserverd.imap.flag_texts import all_flags
from mailserverd.imap.leaving import leave
from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.imap.recent import take_recent_soon
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.selected import Selected
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.mailstore.mailboxes import find
from mailserverd.model.identifiers import mailbox_id_text
from mailserverd.wire.imap.command.select import Select


async def run(session: MailboxSession, command: Select) -> Reply:
    """A SELECT that fails leaves no mailbox selected (RFC 9051 §6.3.2)."""
    if session.selected is not None:
        await leave(session)
        session.send(b"* OK [CLOSED] The mailbox before it is closed\r\n")  # RFC 7162 §3.2.11
    row = await find(session.mail, command.mailbox)
    index = await session.mail.index(row.mailbox_id)
    recent_from: int = index.row.recent_from
    if command.condstore:
        session.enable(b"CONDSTORE")
    selected = Selected(session.mail, index, command.read_only, session.condstore)
    if command.read_only:
        low = max(recent_from, index.recent_claimed)
        selected.recent = [(low, index.row.uid_next - 1)] if low < index.row.uid_next else []
    else:
        selected.claim_recent(recent_from)
        take_recent_soon(session, selected)
    selected.watch(session.events, session.updates_waiting)
    session.selected = selected
    session.send(_responses(selected, index))
    return ok(b"Examined" if command.read_only else b"Selected", b"READ-ONLY" if command.read_only else b"READ-WRITE")


def _responses(selected: Selected, index: MailboxIndex) -> bytes:
    row = index.row
    flags = all_flags(row.keywords)
    unseen = first_unseen(index)
    return b"".join(
        (
            b"* FLAGS (%b)\r\n" % flags,
            b"* OK [PERMANENTFLAGS (%b)] Flags permitted\r\n" % (b"" if selected.read_only else flags + b" \\*"),
            b"* %d EXISTS\r\n* %d RECENT\r\n" % (selected.count, selected.recent_count()),
            b"* OK [UNSEEN %d] First unseen\r\n" % unseen if unseen else b"",
            b"* OK [UIDVALIDITY %d] UIDs valid\r\n" % row.uid_validity,
            b"* OK [UIDNEXT %d] Next UID\r\n" % row.uid_next,
            b"* OK [HIGHESTMODSEQ %d] Highest\r\n" % row.highest_modseq,
            b"* OK [MAILBOXID (%b)] Id\r\n" % mailbox_id_text(row.mailbox_id),
        )
    )
