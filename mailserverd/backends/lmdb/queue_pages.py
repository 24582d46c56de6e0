"""Looking at the queue: pages of recipients, whole entries.

Standing rules: one call reads a bounded number of records, in a transaction of a few milliseconds; where a filter lets
little through a page may be short, or empty, and say nevertheless where the next begins.
"""

from collections.abc import Mapping

import msgspec

from mailserverd.backends.lmdb.environment import Transaction
from mailserverd.backends.lmdb.queue_claims import Name
from mailserverd.backends.lmdb.queue_records import (
    ENTRY,
    FAMILIES,
    OPEN,
    RecipientRecord,
    decoded_entry,
    decoded_recipient,
    entry_of,
    name_of,
    named,
    place_name,
    recipient_of,
)
from mailserverd.interfaces.queue_store import QueueFilter, QueuePage
from mailserverd.model.queue_entry import Queued, QueueEntry, State

READ_AT_ONCE = 2_000
MAX_OF_ENTRY = 1_000


def page(
    transaction: Transaction,
    family: bytes,
    wanted: QueueFilter,
    after: str,
    limit: int,
    in_flight: Mapping[Name, object],
) -> QueuePage:
    """family: OPEN or ERROR."""
    prefix = family + (name_of(wanted.queue_id) + b"\0" if wanted.queue_id else b"")
    start = _cursor(family, after)
    found = QueuePage()
    entry: QueueEntry | None = None
    cursor = transaction.cursor()
    there = cursor.set_range(max(prefix, start))
    last = b""
    for _ in range(READ_AT_ONCE):
        key = bytes(cursor.key()) if there else b""
        if not key.startswith(prefix):
            cursor.close()
            return found
        if len(found.rows) >= limit:
            break
        if key > start:
            name, position = named(key[2:])
            if entry is None or name_of(entry.queue_id) != name:
                entry = _entry(transaction, name)
            record = _readable(cursor.value()) if entry is not None and _entry_fits(wanted, entry) else None
            if entry is not None and record is not None:
                state = State.IN_FLIGHT if (name, position) in in_flight else State(record.state)
                if (not wanted.states or state in wanted.states) and wanted.domain in ("", record.destination):
                    found.rows.append(Queued(entry, recipient_of(entry.queue_id, position, record, state)))
        last = key
        there = cursor.next()
    cursor.close()
    name, position = named(last[2:])
    return QueuePage(found.rows, f"{name.decode('ascii')}/{position}")


def _entry(transaction: Transaction, name: bytes) -> QueueEntry | None:
    """What is unreadable is for `store check`; it holds nothing else up."""
    stored = transaction.get(ENTRY + name)
    try:
        return entry_of(decoded_entry(stored)) if stored is not None else None
    except msgspec.MsgspecError:
        return None


def _readable(value: bytes) -> RecipientRecord | None:
    try:
        return decoded_recipient(value)
    except msgspec.MsgspecError:
        return None


def _cursor(family: bytes, after: str) -> bytes:
    if not after:
        return b""
    queue_id, _, position = after.partition("/")
    number = int(position) if position.isascii() and position.isdigit() else 0
    return family + place_name(name_of(queue_id), min(number, 0xFFFFFFFF))


def _entry_fits(wanted: QueueFilter, entry: QueueEntry) -> bool:
    if wanted.account and entry.sender.lower() != wanted.account.lower():
        return False
    return not wanted.mail_class or entry.mail_class == wanted.mail_class


def whole_entry(transaction: Transaction, queue_id: str, in_flight: Mapping[Name, object]) -> list[Queued]:
    """By position, at most MAX_OF_ENTRY of each kind of record read, and as many told."""
    name = name_of(queue_id)
    entry = _entry(transaction, name)
    if entry is None:
        return []
    rows: list[Queued] = []
    cursor = transaction.cursor()
    for family in FAMILIES:
        prefix = family + name + b"\0"
        there = cursor.set_range(prefix)
        for _ in range(MAX_OF_ENTRY):
            if not there or not bytes(cursor.key()).startswith(prefix):
                break
            position = named(bytes(cursor.key())[2:])[1]
            record = _readable(cursor.value())
            if record is not None:
                state = State.IN_FLIGHT if family == OPEN and (name, position) in in_flight else State(record.state)
                rows.append(Queued(entry, recipient_of(queue_id, position, record, state)))
            there = cursor.next()
    cursor.close()
    rows.sort(key=lambda each: each.recipient.position)
    return rows[:MAX_OF_ENTRY]
