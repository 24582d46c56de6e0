"""APPEND (RFC 9051 §6.3.12): mailbox [SP flag-list] [SP date-time] SP literal

Standing rule: the message's octets are no part of this value; they go past the parser, see imap/input.py.
"""

import re
from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.dates import parse_date_time
from mailserverd.wire.imap.flags import match_flags
from mailserverd.wire.imap.modified_utf7 import mailbox_name
from mailserverd.wire.imap.syntax_error import BadSyntax

_FINAL = re.compile(rb"\{([0-9]{1,20})\+?\}\Z")


@dataclass(frozen=True, slots=True)
class Append:
    """internal_date: (seconds since the epoch, minutes east of UTC), None = now. octets: length of the literal."""

    mailbox: str
    flags: tuple[str, ...]
    internal_date: tuple[int, int] | None
    octets: int


def parse_append(cursor: Cursor) -> Append:
    """The command up to the message's {n} or {n+}, which must end the text."""
    cursor.space()
    mailbox = mailbox_name(cursor.astring())
    cursor.space()
    flags: tuple[str, ...] = ()
    if cursor.peek() == b"(":
        flags, cursor.pos = match_flags(cursor.text, cursor.pos)
        cursor.space()
    internal_date = None
    if cursor.peek() == b'"':
        internal_date = parse_date_time(cursor.string())
        cursor.space()
    final = _FINAL.match(cursor.text, cursor.pos)
    if final is None:
        raise BadSyntax("Expected the message as a literal")
    cursor.pos = final.end()
    return Append(mailbox, flags, internal_date, int(final[1]))
