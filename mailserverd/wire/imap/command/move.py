"""MOVE and UID MOVE (RFC 6851 §3): "MOVE" SP sequence-set SP mailbox"""

from dataclasses import dataclass

from mailserverd.wire.imap.command.copy import ids_and_mailbox
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.sequence_set import SequenceSet


@dataclass(frozen=True, slots=True)
class Move:
    ids: SequenceSet
    mailbox: str
    uid: bool = False


def parse_move(cursor: Cursor, uid: bool = False) -> Move:
    return Move(*ids_and_mailbox(cursor), uid)
