"""One message judged by a query, with as much of it as has been read: True, False, or None (not known yet).

Standing rules: Kleene's logic, so that a message is read no further than its verdict needs; dates compare as the
calendar day that the message shows (RFC 9051 §6.4.4: time and zone disregarded).
"""

from collections.abc import Callable, Sequence

from mailserverd.mailstore.find_header import Header, LongHeader, Name, Needle, name_of, needle_of
from mailserverd.mailstore.find_index import IndexView, flags_match
from mailserverd.mailstore.find_text import fold
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
from mailserverd.wire.mime.content import texts_of
from mailserverd.wire.mime.dates import parse_date
from mailserverd.wire.mime.field_picker import INDEXED_OCTETS

Texts = Sequence[str]
_DATE = name_of("Date")


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


class Seen:
    """A message, as much of it as was read. told_apart: all fields of its header are. body: its folded texts, None
    while they were not read."""

    told_apart = True
    body: Texts | None = None

    def __init__(self, position: int, row: MessageRow, header: Header) -> None:
        self.position = position
        self.row = row
        self.header = header


Judge = Callable[[Seen], bool | None]


def seen_row(position: int, row: MessageRow) -> Seen:
    """By its row alone. Of a long header nothing is said: a row has its beginning only, or not all its fields."""
    header, index = row.header, row.header_index
    seen = Seen(position, row, Header(header, index))
    if row.header_octets != len(header) or len(index) > INDEXED_OCTETS:
        seen.told_apart = False
    return seen


def seen_whole(position: int, row: MessageRow, octets: bytes) -> Seen:
    """With the octets of the message, or as many as are looked at; empty where they cannot be read."""
    body = [fold(text) for text in texts_of(octets)]
    seen = seen_row(position, row)
    if not seen.told_apart and octets:
        seen.header = LongHeader(octets[: row.header_octets])
    seen.told_apart = True
    seen.body = body
    return seen


def compiled(query: SearchQuery, view: IndexView) -> Judge:
    """What judges one message: made once a search, since a query may have many keys and a mailbox many messages."""
    match query:
        case And(parts):
            return _joined([compiled(part, view) for part in parts], False)
        case Or(parts):
            return _joined([compiled(part, view) for part in parts], True)
        case Not(part):
            return _negated(compiled(part, view))
        case BodyHas(text):
            return _body_has(needle_of(text).folded)
        case TextHas(text):
            return _text_has(needle_of(text))
        case HeaderHas(name, text):
            return _header_has(name_of(name), needle_of(text))
        case SentDateIn(since, before):
            return _sent_in(since, before)
    return lambda seen: _by_row(query, seen.position, seen.row, view)


def _joined(judges: list[Judge], decisive: bool) -> Judge:
    """One part that is `decisive` decides; else one that is not known leaves the whole unknown."""

    def judge(seen: Seen) -> bool | None:
        known: bool | None = not decisive
        for part in judges:
            verdict = part(seen)
            if verdict is decisive:
                return decisive
            if verdict is None:
                known = None
        return known

    return judge


def _negated(part: Judge) -> Judge:
    def judge(seen: Seen) -> bool | None:
        verdict = part(seen)
        return None if verdict is None else not verdict

    return judge


def _body_has(needle: str) -> Judge:
    def judge(seen: Seen) -> bool | None:
        if seen.body is None:
            return None
        for text in seen.body:  # noqa: SIM110 - half the time of any()
            if needle in text:
                return True
        return False

    return judge


def _text_has(needle: Needle) -> Judge:
    folded = needle.folded

    def judge(seen: Seen) -> bool | None:
        if seen.told_apart and seen.header.has(needle):
            return True
        if seen.body is None:
            return None
        for text in seen.body:  # noqa: SIM110 - half the time of any()
            if folded in text:
                return True
        return False

    return judge


def _header_has(name: Name, needle: Needle) -> Judge:
    return lambda seen: seen.header.field_has(name, needle) if seen.told_apart else None


def _sent_in(since: int | None, before: int | None) -> Judge:
    return lambda seen: _within(_sent_day(seen), since, before) if seen.told_apart else None


def _by_row(query: SearchQuery, position: int, row: MessageRow, view: IndexView) -> bool:
    match query:
        case SizeIn(larger, smaller):
            return (larger is None or row.size > larger) and (smaller is None or row.size < smaller)
        case InternalDateIn(since, before):
            return _within(row.internal_date + row.internal_offset * 60, since, before)
        case SaveDateIn(since, before):
            return _within(row.save_date, since, before)
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


def _sent_day(seen: Seen) -> int | None:
    """Midnight of the calendar day in the Date field; RFC 5256 §2.2: without one, of the internal date."""
    value = seen.header.first(_DATE)
    sent = parse_date(value) if value is not None else None
    return sent.day if sent is not None else seen.row.internal_date + seen.row.internal_offset * 60


def _within(moment: int | None, since: int | None, before: int | None) -> bool:
    if moment is None:
        return False
    return (since is None or moment >= since) and (before is None or moment < before)
