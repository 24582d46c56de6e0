"""A FETCH item list made into columns: one list of values an item, for a page of messages at a time.

Standing rules: compiled once for equal items; nothing stored is parsed here, only put into place; sections stand
last in a line, since their octets are written as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from mailserverd.imap.body_item import body_of
from mailserverd.imap.flag_texts import FlagTexts
from mailserverd.imap.internal_dates import internal_dates
from mailserverd.model.identifiers import email_id_text, thread_id_text
from mailserverd.model.message import Fields, MessageRow
from mailserverd.wire.imap.fetch_items import FetchItem, Item, Part, Section
from mailserverd.wire.mime.field_picker import INDEXED_OCTETS
from mailserverd.wire.mime.headers import FieldSelector, compile_fields


@dataclass(slots=True)
class Batch:
    """Messages to be answered together; all sequences run in parallel. rows is empty where none are wanted."""

    numbers: Sequence[int]
    uids: Sequence[int]
    masks: Sequence[int]
    modseqs: Sequence[int]
    texts: FlagTexts
    rows: Sequence[MessageRow]


Column = Callable[[Batch], Iterable[object]]
HeaderColumn = Callable[[Sequence[MessageRow]], list[bytes]]
_OF_HEADER = (Part.HEADER, Part.HEADER_FIELDS, Part.HEADER_FIELDS_NOT)


def _flags(batch: Batch) -> Iterable[object]:
    texts = batch.texts
    return [texts[mask] for mask in batch.masks]


def _of_row(field: str) -> Column:
    pick = itemgetter(MessageRow._fields.index(field))
    return lambda batch: map(pick, batch.rows)


_COLUMNS: dict[Item, tuple[bytes, Column, Fields]] = {
    Item.UID: (b"UID %d", lambda batch: batch.uids, Fields(0)),
    Item.FLAGS: (b"FLAGS %b", _flags, Fields(0)),
    Item.MODSEQ: (b"MODSEQ (%d)", lambda batch: batch.modseqs, Fields(0)),
    Item.INTERNALDATE: (b"INTERNALDATE %b", lambda batch: internal_dates(batch.rows), Fields.META),
    Item.RFC822_SIZE: (b"RFC822.SIZE %d", _of_row("size"), Fields.META),
    Item.ENVELOPE: (b"ENVELOPE %b", _of_row("envelope"), Fields.META | Fields.ENVELOPE),
    Item.BODYSTRUCTURE: (b"BODYSTRUCTURE %b", _of_row("body_structure"), Fields.META | Fields.STRUCTURE),
    Item.BODY: (
        b"BODY %b",
        lambda batch: [body_of(row.body_structure) for row in batch.rows],
        Fields.META | Fields.STRUCTURE,
    ),
    Item.EMAILID: (b"EMAILID (%b)", lambda batch: [email_id_text(row.email_id) for row in batch.rows], Fields.META),
    Item.THREADID: (b"THREADID (%b)", lambda batch: [thread_id_text(row.thread_id) for row in batch.rows], Fields.META),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """template: takes the number and a value of each column. want: 0 when the index alone answers.

    selectors: of each section, the compiled HEADER.FIELDS names, or None.
    headers: where all sections are of the message's own header, what they show of rows, and `line` is the whole answer.
    """

    template: bytes
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    selectors: tuple[FieldSelector | None, ...]
    want: Fields
    sets_seen: bool
    tells_modseq: bool
    headers: tuple["HeaderColumn", ...]
    line: bytes

    def heads(self, batch: Batch) -> list[bytes]:
        """Each message's answer: whole without sections, else up to the first of them."""
        template = self.template
        values = zip(batch.numbers, *[column(batch) for column in self.columns], strict=True)
        return [template % value for value in values]

    def is_whole(self, rows: Sequence[MessageRow]) -> bool:
        """Whether lines() can answer for these rows: their headers are in them to the end, told apart to the end."""
        return (
            bool(self.headers)
            and [len(row.header) for row in rows] == [row.header_octets for row in rows]
            and max([len(row.header_index) for row in rows], default=0) <= INDEXED_OCTETS
        )

    def lines(self, batch: Batch) -> list[bytes]:
        """Each message's whole answer."""
        columns = [column(batch) for column in self.columns]
        for shown in self.headers:
            texts = shown(batch.rows)
            columns += (map(len, texts), texts)
        line = self.line
        return [line % value for value in zip(batch.numbers, *columns, strict=True)]


@lru_cache(maxsize=512)
def compile_items(items: tuple[FetchItem, ...], add: tuple[Item, ...] = ()) -> Plan:
    """The plan for `items`, and for those of `add` that are not among them."""
    plain = [item for item in items if isinstance(item, Item)]
    plain += [item for item in add if item not in plain]
    sections = tuple(item for item in items if isinstance(item, Section))
    want = Fields(0)
    for item in plain:
        want |= _COLUMNS[item][2]
    for section in sections:
        want |= _wanted(section)
    inside = b" ".join([_COLUMNS[item][0] for item in plain])
    template = b"* %%d FETCH (%b" % inside if sections else b"* %%d FETCH (%b)\r\n" % inside
    if sections and plain:
        template += b" "
    columns = tuple(_COLUMNS[item][1] for item in plain)
    sets_seen = any(not section.peek for section in sections)
    selectors = tuple(map(_selector, sections))
    headers = _header_columns(sections, selectors)
    labels = [section.label.replace(b"%", b"%%") + b" {%d}\r\n%b" for section in sections]
    line = template + b" ".join(labels) + b")\r\n"
    return Plan(template, columns, sections, selectors, want, sets_seen, Item.MODSEQ in plain, headers, line)


def _wanted(section: Section) -> Fields:
    if section.path:
        return Fields.META | Fields.PARTS | Fields.OCTETS
    if section.part is Part.WHOLE:
        return Fields.META | Fields.OCTETS
    if section.part is Part.TEXT:
        return Fields.META | Fields.HEADER | Fields.OCTETS
    return Fields.META | Fields.HEADER


def _selector(section: Section) -> FieldSelector | None:
    if section.part is Part.HEADER_FIELDS or section.part is Part.HEADER_FIELDS_NOT:
        return compile_fields(section.fields, section.part is Part.HEADER_FIELDS_NOT)
    return None


def _header_columns(
    sections: tuple[Section, ...], selectors: tuple[FieldSelector | None, ...]
) -> tuple[HeaderColumn, ...]:
    if any(section.path or section.part not in _OF_HEADER for section in sections):
        return ()
    return tuple(_header_column(section, selector) for section, selector in zip(sections, selectors, strict=True))


def _header_column(section: Section, selector: FieldSelector | None) -> HeaderColumn:
    def shown(rows: Sequence[MessageRow]) -> list[bytes]:
        if selector is None:
            return [row.header for row in rows]
        pick = selector.pick
        return [pick(row.header, row.header_index) for row in rows]

    if section.partial is None:
        return shown
    start, length = section.partial
    return lambda rows: [text[start : start + length] for text in shown(rows)]
