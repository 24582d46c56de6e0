"""STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

store = "STORE" SP sequence-set [SP "(" store-modifier ")"] SP store-att-flags
"""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.flags import match_flags
from mailserverd.wire.imap.sequence_set import SequenceSet, match_set
from mailserverd.wire.imap.syntax_error import BadSyntax

_HOW = {
    b"FLAGS": ("replace", False),
    b"FLAGS.SILENT": ("replace", True),
    b"+FLAGS": ("add", False),
    b"+FLAGS.SILENT": ("add", True),
    b"-FLAGS": ("remove", False),
    b"-FLAGS.SILENT": ("remove", True),
}


@dataclass(frozen=True, slots=True)
class Store:
    """how: "add", "remove" or "replace". unchanged_since may be 0, which no stored message matches."""

    ids: SequenceSet
    how: str
    silent: bool
    flags: tuple[str, ...]
    unchanged_since: int | None = None
    uid: bool = False


def parse_store(cursor: Cursor, uid: bool = False) -> Store:
    cursor.space()
    ids, cursor.pos = match_set(cursor.text, cursor.pos)
    cursor.space()
    unchanged_since = _modifier(cursor) if cursor.peek() == b"(" else None
    name = cursor.word()
    how = _HOW.get(name)
    if how is None:
        raise BadSyntax("Unknown STORE item")
    cursor.space()
    flags, cursor.pos = match_flags(cursor.text, cursor.pos, bare=True)
    cursor.end()
    return Store(ids, how[0], how[1], flags, unchanged_since, uid)


def _modifier(cursor: Cursor) -> int:
    cursor.begin_list()
    if cursor.word() != b"UNCHANGEDSINCE":
        raise BadSyntax("Unknown STORE modifier")
    cursor.space()
    value = cursor.number64()
    cursor.end_list()
    cursor.space()
    return value
