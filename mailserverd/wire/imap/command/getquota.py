"""GETQUOTA (RFC 9208 §4.1.2): "GETQUOTA" SP astring"""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class GetQuota:
    root: bytes


def parse_getquota(cursor: Cursor) -> GetQuota:
    cursor.space()
    root = cursor.astring()
    cursor.end()
    return GetQuota(root)
