"""SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3): mailbox [SP "(" select-param ")"]; the one parameter is CONDSTORE."""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.modified_utf7 import mailbox_name
from mailserverd.wire.imap.syntax_error import BadSyntax


@dataclass(frozen=True, slots=True)
class Select:
    """read_only: EXAMINE. condstore: RFC 7162 §3.1.8."""

    mailbox: str
    read_only: bool = False
    condstore: bool = False


def parse_select(cursor: Cursor, read_only: bool = False) -> Select:
    cursor.space()
    mailbox = mailbox_name(cursor.astring())
    condstore = False
    if not cursor.at_end():
        cursor.space()
        cursor.begin_list()
        if cursor.word() != b"CONDSTORE":
            raise BadSyntax("Unknown SELECT parameter")
        cursor.end_list()
        condstore = True
    cursor.end()
    return Select(mailbox, read_only, condstore)


def parse_examine(cursor: Cursor) -> Select:
    return parse_select(cursor, read_only=True)
