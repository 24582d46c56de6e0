"""EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE sequence-set (RFC 4315 §2.1)."""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.sequence_set import SequenceSet, match_set


@dataclass(frozen=True, slots=True)
class Expunge:
    """ids: UIDs of UID EXPUNGE, None for EXPUNGE."""

    ids: SequenceSet | None = None


def parse_expunge(cursor: Cursor, uid: bool = False) -> Expunge:
    if not uid:
        cursor.end()
        return Expunge()
    cursor.space()
    ids, cursor.pos = match_set(cursor.text, cursor.pos)
    cursor.end()
    return Expunge(ids)
