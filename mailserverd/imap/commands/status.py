"""STATUS (RFC 9051 §6.3.11; RFC 7162 §3.1.7, RFC 7889, RFC 8438, RFC 8474, RFC 9208 §4.1.4): from kept counters."""

from bisect import bisect_left

from mailserverd.imap.input_limits import append_limit
from mailserverd.imap.mailbox_session import use_condstore
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import find
from mailserverd.model.identifiers import mailbox_id_text
from mailserverd.model.mailbox import MailboxRow
from mailserverd.wire.imap.command.status import Status, StatusItem
from mailserverd.wire.imap.encode import mailbox


async def run(session: Session, command: Status) -> Reply:
    row = await find(session.mail, command.mailbox)
    if StatusItem.HIGHESTMODSEQ in command.items:
        use_condstore(session)  # RFC 7162 §3.1: a CONDSTORE enabling command
    session.send(await status_line(session, row, command.items))
    return ok(b"Status given")


async def status_line(session: Session, row: MailboxRow, items: tuple[StatusItem, ...]) -> bytes:
    values = []
    for item in items:
        if item is StatusItem.RECENT:
            value = b"%d" % await _recent(session, row)
        else:
            value = _value(session, row, item)
        values.append(b"%b %b" % (item.value, value))
    return b"* STATUS %b (%b)\r\n" % (mailbox(row.name), b" ".join(values))


def _value(session: Session, row: MailboxRow, item: StatusItem) -> bytes:
    if item is StatusItem.MAILBOXID:
        return b"(%b)" % mailbox_id_text(row.mailbox_id)
    numbers = {
        StatusItem.MESSAGES: row.messages,
        StatusItem.UIDNEXT: row.uid_next,
        StatusItem.UIDVALIDITY: row.uid_validity,
        StatusItem.UNSEEN: row.unseen,
        StatusItem.DELETED: row.deleted,
        StatusItem.DELETED_STORAGE: row.deleted_octets,
        StatusItem.SIZE: row.octets,
        StatusItem.HIGHESTMODSEQ: row.highest_modseq,
        StatusItem.APPENDLIMIT: append_limit(session),
    }
    return b"%d" % numbers[item]


async def _recent(session: Session, row: MailboxRow) -> int:
    """How many messages no session has been told of yet (RFC 3501 §6.3.10)."""
    if row.recent_from >= row.uid_next:
        return 0
    index = await session.mail.index(row.mailbox_id)
    return len(index.uids) - bisect_left(index.uids, max(index.row.recent_from, index.recent_claimed))
