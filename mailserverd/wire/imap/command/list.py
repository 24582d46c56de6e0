"""LIST (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154) and LSUB (RFC 3501 §6.3.9).

list = "LIST" [SP "(" [selection *(SP selection)] ")"] SP mailbox SP (list-mailbox / "(" list-mailbox *(SP
       list-mailbox) ")") [SP "RETURN" SP "(" [return-option *(SP return-option)] ")"]
"""

import enum
from dataclasses import dataclass

from mailserverd.wire.imap.command.status import StatusItem, parse_status_items
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.modified_utf7 import decode
from mailserverd.wire.imap.syntax_error import BadName, BadSyntax

MAX_PATTERNS = 100


class Selection(enum.Enum):
    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"


class Wanted(enum.Enum):
    SUBSCRIBED = b"SUBSCRIBED"
    CHILDREN = b"CHILDREN"
    SPECIAL_USE = b"SPECIAL-USE"


@dataclass(frozen=True, slots=True)
class List:
    """patterns: reference not applied yet. extended: asked in the way of RFC 5258. status: items of RETURN STATUS.

    lsub: the command was LSUB.
    """

    reference: str
    patterns: tuple[str, ...]
    select: frozenset[Selection] = frozenset()
    wanted: frozenset[Wanted] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False
    lsub: bool = False


def parse_list(cursor: Cursor) -> List:
    cursor.space()
    extended = cursor.peek() == b"("
    select = _selection(cursor) if extended else frozenset()
    reference = _name(cursor.astring())
    cursor.space()
    if cursor.peek() == b"(":
        extended = True
        patterns = _patterns(cursor)
    else:
        patterns = (_name(cursor.list_mailbox()),)
    wanted: frozenset[Wanted] = frozenset()
    status: tuple[StatusItem, ...] = ()
    if not cursor.at_end():
        cursor.space()
        extended = True
        if cursor.word() != b"RETURN":
            raise BadSyntax("Expected RETURN")
        cursor.space()
        wanted, status = _wanted(cursor)
    cursor.end()
    return List(reference, patterns, select, wanted, status, extended)


def parse_lsub(cursor: Cursor) -> List:
    cursor.space()
    reference = _name(cursor.astring())
    cursor.space()
    pattern = _name(cursor.list_mailbox())
    cursor.end()
    return List(reference, (pattern,), frozenset((Selection.SUBSCRIBED,)), lsub=True)


def _name(octets: bytes) -> str:
    """A reference or pattern. One that no name can match is kept: it matches nothing."""
    try:
        return decode(octets)
    except BadName:
        return octets.decode("utf-8", "replace")


def _selection(cursor: Cursor) -> frozenset[Selection]:
    cursor.begin_list()
    chosen: set[Selection] = set()
    while not cursor.ends_list():
        if chosen:
            cursor.space()
        word = cursor.word()
        if word not in Selection._value2member_map_:
            raise BadSyntax("Unknown LIST selection option")
        chosen.add(Selection(word))
    cursor.space()
    # RFC 5258 §3.1: RECURSIVEMATCH needs an option that it can modify; REMOTE is none.
    if Selection.RECURSIVEMATCH in chosen and not chosen & {Selection.SUBSCRIBED, Selection.SPECIAL_USE}:
        raise BadSyntax("RECURSIVEMATCH needs another selection option")
    return frozenset(chosen)


def _patterns(cursor: Cursor) -> tuple[str, ...]:
    cursor.begin_list()
    patterns = []
    while True:
        patterns.append(_name(cursor.list_mailbox()))
        if len(patterns) > MAX_PATTERNS:
            raise BadSyntax("Too many LIST patterns")
        if cursor.ends_list():
            return tuple(patterns)
        cursor.space()


def _wanted(cursor: Cursor) -> tuple[frozenset[Wanted], tuple[StatusItem, ...]]:
    cursor.begin_list()
    wanted: set[Wanted] = set()
    status: tuple[StatusItem, ...] = ()
    first = True
    while not cursor.ends_list():
        if not first:
            cursor.space()
        first = False
        word = cursor.word()
        if word == b"STATUS":
            cursor.space()
            status = parse_status_items(cursor)
        elif word in Wanted._value2member_map_:
            wanted.add(Wanted(word))
        else:
            raise BadSyntax("Unknown LIST return option")
    return frozenset(wanted), status
