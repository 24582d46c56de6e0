"""Reading stored mail: pages of rows, and the octets of a section.

Standing rules: a page is bounded in rows and octets; stored mail is never parsed: a section is a slice of the message
by its part map, or fields of a header by its index; a message too large for a row is read in ranges.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from mailserverd.interfaces.mail_store import AccountMail, UidRanges
from mailserverd.mailstore.sections import SectionKind, section_range
from mailserverd.model.identifiers import MailboxId
from mailserverd.model.message import Fields, MessageRow
from mailserverd.wire.mime.field_picker import INDEXED_OCTETS, FieldPicker, pick_fields, pieces_of
from mailserverd.wire.mime.headers import FieldSelector, fields_end

PAGE_ROWS = 256
PAGE_BODIES = 32  # each at most INLINE_READ_OCTETS
RANGE_OCTETS = 262_144
PICKED_AT_ONCE = 32_768  # octets of a header whose fields are picked in one go
Turn = Callable[[], Awaitable[None]]


class Range(NamedTuple):
    """Octets [start, stop) of the message; selector: only these fields of the header that they are."""

    start: int
    stop: int
    selector: FieldSelector | None = None


class Picked(NamedTuple):
    """Octets [start, stop) of what the selector of `header` picks; `fields_end` is where its empty line begins."""

    start: int
    stop: int
    header: Range
    fields_end: int


def page_size(want: Fields) -> int:
    return PAGE_BODIES if want & Fields.OCTETS else PAGE_ROWS


async def pages(
    mail: AccountMail, mailbox_id: MailboxId, uids: UidRanges, want: Fields, limit: int
) -> AsyncIterator[list[MessageRow]]:
    """The rows of these UIDs that are there, in pages of at most `limit`, ascending."""
    left: UidRanges = uids
    while left:
        page = await mail.rows(mailbox_id, left, want, limit)
        if page.rows:
            yield page.rows
        if page.next_uid is None:
            return
        left = _from(left, page.next_uid)


def _from(ranges: UidRanges, uid: int) -> Sequence[tuple[int, int]]:
    return [(max(low, uid), high) for low, high in ranges if high >= uid]


def locate(
    row: MessageRow, path: tuple[int, ...], kind: SectionKind, selector: FieldSelector | None
) -> bytes | Range | None:
    """Where a section's octets are: made already, a range of the message, or None: there is no such part."""
    if not path:
        if kind is SectionKind.WHOLE:
            return Range(0, row.size)
        if kind is SectionKind.TEXT:
            return Range(row.header_octets, row.size)
        if not row.header_is_whole or (selector is not None and len(row.header_index) > INDEXED_OCTETS):
            return Range(0, row.header_octets, selector)
        return row.header if selector is None else selector.pick(row.header, row.header_index)
    found = section_range(row.part_map, path, kind)
    return None if found is None else Range(found[0], found[1], selector)


def cut(located: bytes | Range | Picked, partial: tuple[int, int] | None) -> bytes | Range | Picked:
    """RFC 9051 §6.4.5: a partial beyond the end is empty, one over the end is what there is."""
    if partial is None:
        return located
    offset, length = partial
    if isinstance(located, bytes):
        return located[offset : offset + length]
    start = min(located.start + offset, located.stop)
    return located._replace(start=start, stop=min(start + length, located.stop))


async def header_fields(mail: AccountMail, row: MessageRow, where: Range, turn: Turn) -> bytes | Picked:
    """Fields of a header inside the message. Of a long one only how many octets they are is found out here."""
    assert where.selector is not None
    if where.stop - where.start <= PICKED_AT_ONCE:
        return pick_fields(where.selector, await read(mail, row, where))
    tail = await read(mail, row, Range(max(where.start, where.stop - 3), where.stop))
    end = where.stop - len(tail) + fields_end(tail)
    length = where.stop - end
    async for text in _picked(mail, row, where, end, turn):
        length += len(text)
    return Picked(0, length, where, end)


async def _picked(
    mail: AccountMail, row: MessageRow, header: Range, fields_end: int, turn: Turn
) -> AsyncIterator[bytes]:
    assert header.selector is not None
    picker = FieldPicker(header.selector)
    async for block in blocks(mail, row, Range(header.start, fields_end)):
        for piece in pieces_of(block):
            yield picker.feed(piece)
            await turn()
    yield picker.feed(b"", is_last=True)


async def picked_blocks(mail: AccountMail, row: MessageRow, wanted: Picked, turn: Turn) -> AsyncIterator[bytes]:
    """What is wanted of the picked fields, and of the empty line behind them."""
    header, position = wanted.header, 0
    async for text in _picked(mail, row, header, wanted.fields_end, turn):
        if position >= wanted.stop:
            return
        wished = text[max(wanted.start - position, 0) : wanted.stop - position]
        if wished:
            yield wished
        position += len(text)
    empty_line = await read(mail, row, Range(wanted.fields_end, header.stop))
    yield empty_line[max(wanted.start - position, 0) : max(wanted.stop - position, 0)]


async def read(mail: AccountMail, row: MessageRow, where: Range) -> bytes:
    """At once; for ranges that are known to be small. Raises NotFound, Damaged."""
    if row.octets is not None:
        return row.octets[where.start : where.stop]
    return b"".join([block async for block in blocks(mail, row, where)])


async def blocks(mail: AccountMail, row: MessageRow, where: Range) -> AsyncIterator[bytes]:
    """Piece by piece, for what may be large. Raises NotFound, Damaged."""
    if row.octets is not None:
        yield row.octets[where.start : where.stop]
        return
    for start in range(where.start, where.stop, RANGE_OCTETS):
        yield await mail.octets(row.email_id, start, min(start + RANGE_OCTETS, where.stop))


async def whole(mail: AccountMail, row: MessageRow) -> AsyncIterator[bytes]:
    """The message, exactly as it came."""
    async for block in blocks(mail, row, Range(0, row.size)):
        yield block
