"""The state pages of a mailbox are brought from the disk into memory before the reactor thread asks for them.

Standing rules: nothing read here is kept, for whoever asked reads it again, then without waiting; several threads
read at once, since a disk answers several questions in the time of one.
"""

from threading import Thread

from mailserverd.backends.lmdb.environment import Environment
from mailserverd.model.mailbox import MailboxRow

READ_AHEAD_MESSAGES = 2000  # ten pages: below that the disk is as quick as a thread
_READERS = 4


def read_ahead(environment: Environment, prefix: bytes, row: MailboxRow) -> None:
    """In a thread of its own, which it lends to one of the readers."""
    kind = prefix + b"s" + row.mailbox_id.to_bytes(4)
    share = row.uid_next // _READERS + 1
    readers = [
        Thread(target=_touch, args=(environment, kind, share * i, share * (i + 1)), name="read ahead", daemon=True)
        for i in range(1, _READERS)
    ]
    for reader in readers:
        reader.start()
    _touch(environment, kind, 0, share)
    for reader in readers:
        reader.join()


def _touch(environment: Environment, kind: bytes, first: int, end: int) -> None:
    """The pages whose keys name a uid of [first, end): going to a record reads it from the disk."""
    last = kind + end.to_bytes(4)
    with environment.patient_read() as transaction:
        cursor = transaction.cursor()
        more = cursor.set_range(kind + first.to_bytes(4))
        while more and cursor.key() < last:
            more = cursor.next()
        cursor.close()
