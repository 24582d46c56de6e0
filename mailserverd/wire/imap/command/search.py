"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 4731 ESEARCH, RFC 7162 §3.1.5).

search = "SEARCH" [SP "RETURN" SP "(" [option *(SP option)] ")"] [SP "CHARSET" SP charset] 1*(SP search-key)
"""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.search_keys import SearchKey, charset_codec, parse_keys
from mailserverd.wire.imap.syntax_error import BadSyntax

_OPTIONS = frozenset((b"MIN", b"MAX", b"ALL", b"COUNT"))


@dataclass(frozen=True, slots=True)
class Search:
    """returns: None without RETURN; else what of MIN, MAX, ALL, COUNT is wanted (RETURN () is ALL)."""

    key: SearchKey
    returns: frozenset[bytes] | None = None
    uid: bool = False


def parse_search(cursor: Cursor, uid: bool = False) -> Search:
    cursor.space()
    returns = None
    codec = charset_codec(None)
    word = _leading(cursor)
    if word == b"RETURN":
        cursor.pos += 6
        cursor.space()
        returns = _returns(cursor)
        cursor.space()
        word = _leading(cursor)
    if word == b"CHARSET":
        cursor.pos += 7
        cursor.space()
        codec = charset_codec(cursor.astring())
        cursor.space()
    return Search(parse_keys(cursor, codec), returns, uid)


def _leading(cursor: Cursor) -> bytes:
    """The word here, without moving; RETURN and CHARSET are no search keys."""
    text = cursor.text[cursor.pos : cursor.pos + 8]
    return text.partition(b" ")[0].upper()


def _returns(cursor: Cursor) -> frozenset[bytes]:
    cursor.begin_list()
    options: set[bytes] = set()
    while not cursor.ends_list():
        if options:
            cursor.space()
        option = cursor.word()
        if option not in _OPTIONS:
            raise BadSyntax("Unknown RETURN option")
        options.add(option)
    return frozenset(options or (b"ALL",))
