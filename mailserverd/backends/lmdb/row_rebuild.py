"""A lost row made again from the message itself, scanned as on the day it came.

Standing rules: only content that is whole in the database is scanned here; the time of arrival is the one in the
email id, since the row's own dates are lost with it.
"""

from collections.abc import Callable

from mailserverd.backends.lmdb.check_snapshot import Open
from mailserverd.backends.lmdb.content import whole_of
from mailserverd.backends.lmdb.records import packed_row
from mailserverd.model.errors import Damaged
from mailserverd.wire.mime.record import new_message

RebuildRow = Callable[[bytes, bytes], tuple[bytes, int] | None]
"""(email id, thread id) -> (row, size of the message), or None."""


def rebuilder(opened: Open, prefix: bytes) -> RebuildRow:
    def rebuild(email_id: bytes, thread_id: bytes) -> tuple[bytes, int] | None:
        with opened() as transaction:
            value = transaction.get(prefix + b"b" + email_id)
            octets = None if value is None else _whole(memoryview(value))
        if octets is None:
            return None
        arrived = int.from_bytes(email_id[:6]) // 1000
        message = new_message(octets).message
        return packed_row(message, email_id, thread_id, arrived, 0, arrived), message.size

    return rebuild


def _whole(value: memoryview) -> bytes | None:
    try:
        return whole_of(value)
    except (ValueError, Damaged):
        return None
