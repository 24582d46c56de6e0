"""Reading stored mail: pages of rows, and the octets of a section.

Standing rules: a page is bounded in rows and octets; stored mail is never parsed: a section is a slice of the message
by its part map, or fields of a header by its index; a message too large for a row is read in ranges.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from mailserverd.interfaces.mail_store import AccountMail, UidRanges
from mailserverd.mailstore.sections import SectionKind, section_range
from mailserverd.model.identifiers import MailboxId
from mailserverd.model.message import Fields, MessageRow
from mailserverd.wire.mime.headers import FieldSelector

PAGE_ROWS = 256
PAGE_BODIES = 32  # each at most INLINE_READ_OCTETS
RANGE_OCTETS = 262_144
MAX_HEADER_OCTETS = 1_048_576


class Range(NamedTuple):
    """Octets [start, stop) of the message; selector: only these fields of the header that they are."""

    start: int
    stop: int
    selector: FieldSelector | None = None


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
        if not row.header_is_whole:
            return Range(0, row.header_octets, selector)
        return row.header if selector is None else selector.pick(row.header, row.header_index)
    found = section_range(row.part_map, path, kind)
    return None if found is None else Range(found[0], found[1], selector)


def cut(located: bytes | Range, partial: tuple[int, int] | None) -> bytes | Range:
    """RFC 9051 §6.4.5: a partial beyond the end is empty, one over the end is what there is."""
    if partial is None:
        return located
    offset, length = partial
    if isinstance(located, bytes):
        return located[offset : offset + length]
    start = min(located.start + offset, located.stop)
    return Range(start, min(start + length, located.stop))


async def header_fields(mail: AccountMail, row: MessageRow, where: Range) -> bytes:
    """Fields of a header inside the message. Only its own lines are looked at."""
    assert where.selector is not None
    header = await read(mail, row, Range(where.start, min(where.stop, where.start + MAX_HEADER_OCTETS)))
    picked = where.selector.pick_unindexed(header)
    return picked + b"\r\n" if where.stop - where.start > MAX_HEADER_OCTETS else picked  # its empty line lies beyond


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
