"""COPY and UID COPY (RFC 9051 §6.4.7): "COPY" SP sequence-set SP mailbox"""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.modified_utf7 import mailbox_name
from mailserverd.wire.imap.sequence_set import SequenceSet, match_set


@dataclass(frozen=True, slots=True)
class Copy:
    ids: SequenceSet
    mailbox: str
    uid: bool = False


def parse_copy(cursor: Cursor, uid: bool = False) -> Copy:
    return Copy(*ids_and_mailbox(cursor), uid)


def ids_and_mailbox(cursor: Cursor) -> tuple[SequenceSet, str]:
    cursor.space()
    ids, cursor.pos = match_set(cursor.text, cursor.pos)
    cursor.space()
    name = mailbox_name(cursor.astring())
    cursor.end()
    return ids, name
