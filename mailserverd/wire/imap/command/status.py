"""STATUS (RFC 9051 §6.3.11): "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" """

import enum
from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.modified_utf7 import mailbox_name
from mailserverd.wire.imap.syntax_error import BadSyntax


class StatusItem(enum.Enum):
    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"  # RFC 3501
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"  # RFC 9051
    DELETED_STORAGE = b"DELETED-STORAGE"  # RFC 9208 §4.1.4
    SIZE = b"SIZE"  # RFC 8438
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"  # RFC 7162
    APPENDLIMIT = b"APPENDLIMIT"  # RFC 7889
    MAILBOXID = b"MAILBOXID"  # RFC 8474


@dataclass(frozen=True, slots=True)
class Status:
    mailbox: str
    items: tuple[StatusItem, ...]


def parse_status(cursor: Cursor) -> Status:
    cursor.space()
    mailbox = mailbox_name(cursor.astring())
    cursor.space()
    items = parse_status_items(cursor)
    cursor.end()
    return Status(mailbox, items)


def parse_status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    """In order, each once. RFC 3501 wants one at least."""
    cursor.begin_list()
    items: dict[StatusItem, None] = {}
    while True:
        try:
            items[StatusItem(cursor.word())] = None
        except ValueError as error:
            if isinstance(error, BadSyntax):
                raise
            raise BadSyntax("Unknown STATUS item") from None
        if cursor.ends_list():
            return tuple(items)
        cursor.space()
