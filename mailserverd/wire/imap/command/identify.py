"""ID (RFC 2971 §3.1): "ID" SP ("(" [string SP nstring *(SP string SP nstring)] ")" / "NIL")"""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.syntax_error import BadSyntax

MAX_FIELDS = 30  # RFC 2971 §3.3
MAX_NAME_OCTETS = 30
MAX_VALUE_OCTETS = 1024


@dataclass(frozen=True, slots=True)
class Identify:
    fields: tuple[tuple[bytes, bytes | None], ...] = ()


def parse_id(cursor: Cursor) -> Identify:
    cursor.space()
    if cursor.peek() != b"(":
        if cursor.nstring() is not None:
            raise BadSyntax("Expected a list or NIL")
        cursor.end()
        return Identify()
    cursor.begin_list()
    fields: list[tuple[bytes, bytes | None]] = []
    while not cursor.ends_list():
        if fields:
            cursor.space()
        fields.append(_field(cursor))
        if len(fields) > MAX_FIELDS:
            raise BadSyntax("Too many ID fields")
    cursor.end()
    return Identify(tuple(fields))


def _field(cursor: Cursor) -> tuple[bytes, bytes | None]:
    name = cursor.string()
    cursor.space()
    value = cursor.nstring()
    if len(name) > MAX_NAME_OCTETS or len(value or b"") > MAX_VALUE_OCTETS:
        raise BadSyntax("ID field too long")
    return name, value
