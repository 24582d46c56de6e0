"""One message judged by a query, with as much of it as has been read: True, False, or None (not known yet).

Standing rules: Kleene's logic, so that a message is read no further than its verdict needs; dates compare as the
calendar day that the message shows (RFC 9051 §6.4.4: time and zone disregarded).
"""

from collections.abc import Sequence

from mailserverd.mailstore.find_index import IndexView, flags_match
from mailserverd.mailstore.find_text import Needles, header_has, header_text
from mailserverd.model.message import Fields, MessageRow
from mailserverd.model.search_query import (
    And,
    BodyHas,
    EmailIdIs,
    Everything,
    HasFlags,
    HeaderHas,
    InternalDateIn,
    ModSeqAtLeast,
    Not,
    Or,
    RecentFrom,
    SaveDateIn,
    SearchQuery,
    SentDateIn,
    SizeIn,
    TextHas,
    ThreadIdIs,
    UidIn,
)
from mailserverd.wire.mime.dates import parse_date
from mailserverd.wire.mime.headers import field_values

Texts = Sequence[str]


def wanted_fields(query: SearchQuery) -> Fields:
    """What of each row the first reading needs."""
    if isinstance(query, Not):
        return wanted_fields(query.part)
    if isinstance(query, And | Or):
        want = Fields.META
        for part in query.parts:
            want |= wanted_fields(part)
        return want
    return Fields.META | Fields.HEADER if isinstance(query, HeaderHas | TextHas | SentDateIn) else Fields.META


def judge(
    query: SearchQuery, position: int, row: MessageRow, view: IndexView, needles: Needles, body: Texts | None
) -> bool | None:
    """body: the folded texts of the body, None while they have not been read."""
    if isinstance(query, And):
        return _joined(query.parts, False, position, row, view, needles, body)
    if isinstance(query, Or):
        return _joined(query.parts, True, position, row, view, needles, body)
    if isinstance(query, Not):
        verdict = judge(query.part, position, row, view, needles, body)
        return None if verdict is None else not verdict
    if isinstance(query, BodyHas):
        needle = needles.fold(query.needle)
        return None if body is None else any(needle in text for text in body)
    if isinstance(query, TextHas):
        return _text_has(needles.fold(query.needle), row, needles, body)
    if isinstance(query, HeaderHas):
        needle = needles.fold(query.needle)
        if not needles.may_be_in(needle, row.header):
            return False
        return header_has(row.header, row.header_index, query.name, needle)
    return _by_row(query, position, row, view)


def _joined(
    parts: tuple[SearchQuery, ...],
    decisive: bool,
    position: int,
    row: MessageRow,
    view: IndexView,
    needles: Needles,
    body: Texts | None,
) -> bool | None:
    """One part that is `decisive` decides; else one that is not known leaves the whole unknown."""
    known: bool | None = not decisive
    for part in parts:
        verdict = judge(part, position, row, view, needles, body)
        if verdict is decisive:
            return decisive
        if verdict is None:
            known = None
    return known


def _text_has(needle: str, row: MessageRow, needles: Needles, body: Texts | None) -> bool | None:
    if needles.may_be_in(needle, row.header) and needle in header_text(row.header):
        return True
    return None if body is None else any(needle in text for text in body)


def _by_row(query: SearchQuery, position: int, row: MessageRow, view: IndexView) -> bool:
    match query:
        case SizeIn(larger, smaller):
            return (larger is None or row.size > larger) and (smaller is None or row.size < smaller)
        case InternalDateIn(since, before):
            return _within(row.internal_date + row.internal_offset * 60, since, before)
        case SaveDateIn(since, before):
            return _within(row.save_date, since, before)
        case SentDateIn(since, before):
            return _within(sent_day(row), since, before)
        case EmailIdIs(email_id):
            return row.email_id == email_id
        case ThreadIdIs(thread_id):
            return row.thread_id == thread_id
        case HasFlags():
            return flags_match(query, view.masks[position], view.keywords)
        case UidIn(ranges):
            return any(low <= row.uid <= high for low, high in ranges)
        case RecentFrom(uid):
            return row.uid >= uid
        case ModSeqAtLeast(modseq):
            return view.modseqs[position] >= modseq
    return isinstance(query, Everything)


def sent_day(row: MessageRow) -> int | None:
    """Midnight of the calendar day in the Date field; RFC 5256 §2.2: without one, of the internal date."""
    for value in field_values(row.header, row.header_index, b"Date"):
        sent = parse_date(value)
        if sent is not None:
            return sent.day
        break
    return row.internal_date + row.internal_offset * 60


def _within(moment: int | None, since: int | None, before: int | None) -> bool:
    if moment is None:
        return False
    return (since is None or moment >= since) and (before is None or moment < before)
