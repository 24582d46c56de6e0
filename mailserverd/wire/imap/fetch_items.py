"""What FETCH can ask for, as values, and BODY[...] sections (RFC 9051 §6.4.5).

Standing rules: a macro is replaced by what it stands for; a section knows the name it is answered by.
"""

import enum
from typing import NamedTuple

from mailserverd.wire.imap.cursor import MAX_NUMBER, Cursor
from mailserverd.wire.imap.encode import astring
from mailserverd.wire.imap.syntax_error import BadSyntax


class Item(enum.Enum):
    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    RFC822_SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    BODY = b"BODY"
    MODSEQ = b"MODSEQ"
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"


class Part(enum.Enum):
    """Which octets of the part: the whole, or one of section-text (RFC 9051 §6.4.5.1)."""

    WHOLE = b""
    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


class Section(NamedTuple):
    """path: part numbers, () is the message. fields: the names as the client wrote them. partial: (offset, length).

    label: what stands before the octets in the answer, such as b"BODY[TEXT]<0>".
    """

    path: tuple[int, ...]
    part: Part
    fields: tuple[bytes, ...]
    peek: bool
    partial: tuple[int, int] | None
    label: bytes


FetchItem = Item | Section
_ITEMS = {item.value: item for item in Item}
_FAST: tuple[FetchItem, ...] = (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE)
_MACROS: dict[bytes, tuple[FetchItem, ...]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Item.ENVELOPE),
    b"FULL": (*_FAST, Item.ENVELOPE, Item.BODY),
}
_RFC822 = {
    b"RFC822": Section((), Part.WHOLE, (), False, None, b"RFC822"),
    b"RFC822.HEADER": Section((), Part.HEADER, (), True, None, b"RFC822.HEADER"),
    b"RFC822.TEXT": Section((), Part.TEXT, (), False, None, b"RFC822.TEXT"),
}
MAX_ITEMS = 256
MAX_DEPTH = 100


def parse_items(cursor: Cursor) -> tuple[FetchItem, ...]:
    """Items in order, each once."""
    if cursor.peek() != b"(":
        name = _name(cursor)
        return _MACROS.get(name) or (_item(cursor, name),)
    cursor.begin_list()
    items: dict[FetchItem, None] = {}
    while True:
        items[_item(cursor, _name(cursor))] = None
        if cursor.ends_list():
            break
        cursor.space()
        if len(items) > MAX_ITEMS:
            raise BadSyntax("Too many FETCH items")
    return tuple(items)


def _name(cursor: Cursor) -> bytes:
    text, start = cursor.text, cursor.pos
    end = len(text)
    for stop in (b" ", b")", b"["):
        found = text.find(stop, start, end)
        if found >= 0:
            end = found
    cursor.pos = end
    return text[start:end].upper()


def _item(cursor: Cursor, name: bytes) -> FetchItem:
    if cursor.eat(b"["):
        if name == b"BODY":
            return _section(cursor, peek=False)
        if name == b"BODY.PEEK":
            return _section(cursor, peek=True)
        raise BadSyntax("Unknown FETCH item")
    found: FetchItem | None = _ITEMS.get(name) or _RFC822.get(name)
    if found is None:
        raise BadSyntax("Unknown FETCH item")
    return found


def _section(cursor: Cursor, peek: bool) -> Section:
    path = _path(cursor)
    part, fields = Part.WHOLE, ()  # type: tuple[Part, tuple[bytes, ...]]
    if not cursor.eat(b"]"):
        part, fields = _section_text(cursor, path)
        cursor.expect(b"]")
    partial = _partial(cursor)
    return Section(path, part, fields, peek, partial, _label(path, part, fields, partial))


def _path(cursor: Cursor) -> tuple[int, ...]:
    """Part numbers; the cursor stops before "]" or before section-text."""
    path: list[int] = []
    while cursor.peek().isdigit():
        number = cursor.number()
        if number == 0 or len(path) >= MAX_DEPTH:
            raise BadSyntax("Bad part number")
        path.append(number)
        if not cursor.eat(b"."):
            if cursor.peek() != b"]":
                raise BadSyntax("Bad section")
            break
        if cursor.peek() == b"]":
            raise BadSyntax("Bad section")
    return tuple(path)


def _section_text(cursor: Cursor, path: tuple[int, ...]) -> tuple[Part, tuple[bytes, ...]]:
    name = cursor.word()
    try:
        part = Part(name)
    except ValueError:
        raise BadSyntax("Unknown section") from None
    if part is Part.MIME and not path:  # RFC 9051 §6.4.5.1: MIME needs a part number
        raise BadSyntax("MIME needs a part number")
    if part is not Part.HEADER_FIELDS and part is not Part.HEADER_FIELDS_NOT:
        return part, ()
    cursor.space()
    cursor.begin_list()
    fields = [cursor.astring()]
    while not cursor.ends_list():
        cursor.space()
        fields.append(cursor.astring())
    return part, tuple(fields)


def _partial(cursor: Cursor) -> tuple[int, int] | None:
    if not cursor.eat(b"<"):
        return None
    offset = cursor.number(MAX_NUMBER)
    cursor.expect(b".")
    length = cursor.number(MAX_NUMBER)
    cursor.expect(b">")
    if length == 0:  # partial = "<" number "." nz-number ">"
        raise BadSyntax("A partial fetch needs at least one octet")
    return offset, length


def _label(path: tuple[int, ...], part: Part, fields: tuple[bytes, ...], partial: tuple[int, int] | None) -> bytes:
    words = [b"%d" % number for number in path]
    if part is not Part.WHOLE:
        words.append(part.value)
    inside = b".".join(words)
    if fields:
        inside += b" (%b)" % b" ".join([astring(field) for field in fields])
    return b"BODY[%b]" % inside if partial is None else b"BODY[%b]<%d>" % (inside, partial[0])
