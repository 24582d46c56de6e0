"""BODY[...] answers: heads and octets joined as they are, large messages in pieces.

Standing rules: the octets of a message are copied once, into the write; of a large one a bounded piece is held, and
the next is read when the client has taken the last; nothing is written of a literal before its first octets are read.
"""

from collections.abc import AsyncIterator, Sequence

from mailserverd.imap.fetch_plan import Batch, Plan
from mailserverd.imap.mailbox_session import MailboxSession
from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.mailstore.read import Picked, Range, blocks, cut, header_fields, locate, picked_blocks
from mailserverd.mailstore.sections import SectionKind
from mailserverd.model.errors import NotFound
from mailserverd.model.message import MessageRow
from mailserverd.wire.imap.fetch_items import Part, Section
from mailserverd.wire.mime.headers import FieldSelector

WRITE_OCTETS = 131_072
_KINDS = {
    Part.WHOLE: SectionKind.WHOLE,
    Part.HEADER: SectionKind.HEADER,
    Part.HEADER_FIELDS: SectionKind.HEADER,
    Part.HEADER_FIELDS_NOT: SectionKind.HEADER,
    Part.TEXT: SectionKind.TEXT,
    Part.MIME: SectionKind.MIME,
}
Found = bytes | Range | Picked | None


async def write_sections(session: MailboxSession, mail: AccountMail, plan: Plan, batch: Batch) -> int:
    """How many messages were expunged before their octets were read: nothing is written of those."""
    out: list[bytes] = []
    held = missing = 0
    for head, row in zip(plan.heads(batch), batch.rows, strict=True):
        found = [_find(row, section, selector) for section, selector in zip(plan.sections, plan.selectors, strict=True)]
        if any(isinstance(one, Range) for one in found):
            try:
                if any(isinstance(one, Range) and one.selector is not None for one in found):
                    found = [
                        await _fields(session, mail, row, *each) for each in zip(found, plan.sections, strict=True)
                    ]
                    await session.turn()
                if any(isinstance(one, Picked) or (isinstance(one, Range) and row.octets is None) for one in found):
                    session.send(b"".join(out))
                    out, held = [], 0
                    await _write_large(session, mail, row, head, plan.sections, found)
                    continue
            except NotFound:
                missing += 1
                continue
        out.append(head)
        held += _put(out, row.octets, plan.sections, found)
        if held >= WRITE_OCTETS:
            session.send(b"".join(out))
            out, held = [], 0
            await session.drained()
    session.send(b"".join(out))
    return missing


def _find(row: MessageRow, section: Section, selector: FieldSelector | None) -> Found:
    located = locate(row, section.path, _KINDS[section.part], selector)
    if located is None or (isinstance(located, Range) and located.selector is not None):
        return located
    return cut(located, section.partial)


async def _fields(session: MailboxSession, mail: AccountMail, row: MessageRow, found: Found, section: Section) -> Found:
    """Fields of a header inside the message are picked now."""
    if isinstance(found, Range) and found.selector is not None:
        return cut(await header_fields(mail, row, found, session.turn), section.partial)
    return found


def _put(out: list[bytes], octets: bytes | None, sections: Sequence[Section], found: Sequence[Found]) -> int:
    """The rest of a line; how many octets it is about."""
    lead = b""
    held = 256
    for section, one in zip(sections, found, strict=True):
        if one is None:
            out.append(b"%b%b NIL" % (lead, section.label))
        else:
            assert not isinstance(one, Picked)
            if isinstance(one, Range):
                assert octets is not None
                one = octets if one.stop - one.start == len(octets) else octets[one.start : one.stop]
            out.append(b"%b%b {%d}\r\n" % (lead, section.label, len(one)))
            out.append(one)
            held += len(one)
        lead = b" "
    out.append(b")\r\n")
    return held


def _blocks(session: MailboxSession, mail: AccountMail, row: MessageRow, found: Range | Picked) -> AsyncIterator[bytes]:
    if isinstance(found, Picked):
        return picked_blocks(mail, row, found, session.turn)
    return blocks(mail, row, found)


async def _write_large(
    session: MailboxSession,
    mail: AccountMail,
    row: MessageRow,
    head: bytes,
    sections: Sequence[Section],
    found: Sequence[Found],
) -> None:
    lead = head
    for section, one in zip(sections, found, strict=True):
        if not isinstance(one, Range | Picked):
            start = [lead]
            _put(start, None, (section,), (one,))
            session.send(b"".join(start[:-1]))
        else:
            announced = b"%b%b {%d}\r\n" % (lead, section.label, one.stop - one.start)
            left = one.stop - one.start
            try:
                async for block in _blocks(session, mail, row, one):
                    session.send(announced, block)
                    announced = b""
                    left -= len(block)
                    del block  # while the client, or the next one, is waited for
                    await session.drained()
                if announced:
                    session.send(announced)
            finally:
                if left and (lead is not head or not announced):  # of this line something was written
                    session.abort()
        lead = b" "
    session.send(b")\r\n")
