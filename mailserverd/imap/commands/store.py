"""STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

Standing rule: a step of messages at a time, each answered when its commit is acknowledged.
"""

from mailserverd.imap.mailbox_session import MailboxSession, selected_of, use_condstore
from mailserverd.imap.reply import Reply, no, ok
from mailserverd.imap.selected import Selected
from mailserverd.imap.spans import positions_of, steps
from mailserverd.mailstore.flags import STEP, set_flags
from mailserverd.model.identifiers import ModSeq
from mailserverd.wire.imap.command.store import Store
from mailserverd.wire.imap.sequence_set import format_numbers


async def run(session: MailboxSession, command: Store) -> Reply:
    selected = selected_of(session)
    if command.unchanged_since is not None:
        use_condstore(session)  # RFC 7162 §3.1: a CONDSTORE enabling command
    spans = selected.spans(command.ids, command.uid)
    if selected.read_only:
        return no(b"The mailbox is read-only")
    since = None if command.unchanged_since is None else ModSeq(command.unchanged_since)
    modified: list[int] = []
    missing = 0
    for step in steps(spans, STEP):
        ranges = selected.uid_ranges(step)
        done = await set_flags(selected.mail, selected.mailbox_id, ranges, command.how, command.flags, since, session)
        asked = positions_of(step)
        if len(done.done) == len(asked):
            positions = asked
        else:
            positions = [i for i in map(selected.position_of, done.done) if i >= 0]
            missing += len(asked) - len(positions) - len(done.modified)
            ranges = selected.ranges_at(positions)
        modified += done.modified
        selected.was_told(done.modseq, ranges)
        if not command.silent or selected.condstore:  # RFC 7162 §3.1.3: MODSEQ is told also with .SILENT
            session.send(selected.new_keywords(), selected.flag_lines(positions, command.uid, not command.silent))
        if len(asked) == STEP:
            await session.turn()
        await session.drained()
    code = b"MODIFIED " + _named(selected, modified, command.uid) if modified else b""
    if missing and not command.uid and not command.silent:  # RFC 2180 §4.2.1: with .SILENT it is no failure
        return no(b"Some of the messages are expunged", code or b"EXPUNGEISSUED")
    return ok(b"Conditional STORE failed for some" if modified else b"Stored", code)


def _named(selected: Selected, uids: list[int], uid: bool) -> bytes:
    return format_numbers(uids if uid else [selected.position_of(one) + 1 for one in uids])
