"""FETCH and UID FETCH (RFC 9051 §6.4.5, RFC 7162 §3.1.4, RFC 8474 §5).

fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
        [SP "(" fetch-modifier *(SP fetch-modifier) ")"]
Standing rule: equal text gives the identical items object, so that a server may keep what it made of them.
"""

from dataclasses import dataclass
from functools import lru_cache

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.fetch_items import FetchItem, parse_items
from mailserverd.wire.imap.sequence_set import SequenceSet, match_set
from mailserverd.wire.imap.syntax_error import BadSyntax

_CACHED_OCTETS = 1024


@dataclass(frozen=True, slots=True)
class Fetch:
    """changed_since: RFC 7162 §3.1.4.1, None where it was not given."""

    ids: SequenceSet
    items: tuple[FetchItem, ...]
    changed_since: int | None = None
    uid: bool = False


def parse_fetch(cursor: Cursor, uid: bool = False) -> Fetch:
    cursor.space()
    ids, cursor.pos = match_set(cursor.text, cursor.pos)
    cursor.space()
    rest = cursor.text[cursor.pos :]
    items, changed_since = _remembered(rest) if len(rest) <= _CACHED_OCTETS else _items_and_modifiers(rest)
    cursor.pos = len(cursor.text)
    return Fetch(ids, items, changed_since, uid)


def _items_and_modifiers(text: bytes) -> tuple[tuple[FetchItem, ...], int | None]:
    cursor = Cursor(text)
    items = parse_items(cursor)
    changed_since = None
    if not cursor.at_end():
        cursor.space()
        changed_since = _modifiers(cursor)
    cursor.end()
    return items, changed_since


_remembered = lru_cache(maxsize=1024)(_items_and_modifiers)


def _modifiers(cursor: Cursor) -> int:
    cursor.begin_list()
    if cursor.word() != b"CHANGEDSINCE":
        raise BadSyntax("Unknown FETCH modifier")
    cursor.space()
    value = cursor.number64()
    if value == 0:  # mod-sequence-value is positive in RFC 7162 §7; 0 is let through by mod-sequence-valzer alone
        raise BadSyntax("CHANGEDSINCE must be at least 1")
    cursor.end_list()
    return value
