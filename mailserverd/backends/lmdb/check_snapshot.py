"""What `store check` reads of one account before it judges: everything but the octets of its messages.

Standing rules: records are read in short transactions, each a bounded slice; the slices belong together only when the
account's version was the same before the first and after the last (every commit raises it), or when they were all read
inside one plan of the writer. Nothing here judges: a value that cannot be read is kept as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import msgspec

from mailserverd.backends.lmdb.environment import Transaction
from mailserverd.backends.lmdb.keys import INDEX_JOURNAL, account_prefix
from mailserverd.backends.lmdb.records import (
    ROW,
    AccountRecord,
    MailboxRecord,
    decoded_account,
    decoded_mailbox,
    size_of,
)
from mailserverd.backends.lmdb.state_pages import MESSAGE_OCTETS, Page

SLICE = 500
Open = Callable[[], AbstractContextManager[Transaction]]
Place = tuple[int, int]


@dataclass(slots=True)
class Snapshot:
    """rows: by mailbox and uid, (email id, thread id, size). unreadable: keys whose values say nothing.

    logs: records of the kinds c, x, k, p and w, as they are. marks: of the kinds t and u. members: (thread id,
    email id). contents: email ids.
    """

    account_id: int
    prefix: bytes
    account: AccountRecord | None = None
    boxes: dict[int, MailboxRecord] = field(default_factory=dict)
    rows: dict[Place, tuple[bytes, bytes, int]] = field(default_factory=dict)
    pages: dict[int, list[Page]] = field(default_factory=dict)
    placements: dict[bytes, bytes] = field(default_factory=dict)
    contents: set[bytes] = field(default_factory=set)
    members: set[tuple[bytes, bytes]] = field(default_factory=set)
    marks: list[tuple[bytes, bytes]] = field(default_factory=list)
    logs: list[tuple[bytes, bytes]] = field(default_factory=list)
    journal: bytes | None = None
    unreadable: list[bytes] = field(default_factory=list)
    strange: list[bytes] = field(default_factory=list)


def gathered(opened: Open, account_id: int) -> tuple[Snapshot, Iterator[None]]:
    """A snapshot, and what fills it: one slice for each step of the iterator."""
    found = Snapshot(account_id, account_prefix(account_id))
    return found, _fill(found, opened)


def version_of(opened: Open, account_id: int) -> bytes | None:
    """What every commit of the account changes."""
    with opened() as transaction:
        value = transaction.get(account_prefix(account_id) + b"a")
        return None if value is None else bytes(value)


def _fill(found: Snapshot, opened: Open) -> Iterator[None]:
    prefix, after = found.prefix, b""
    with opened() as transaction:
        found.journal = transaction.get(INDEX_JOURNAL + prefix[1:])
    while True:
        with opened() as transaction:
            after = _slice(found, transaction, after or prefix)
        yield
        if not after:
            return


def _slice(found: Snapshot, transaction: Transaction, start: bytes) -> bytes:
    """Take in the records at and above start; where the next slice begins, or nothing at the end."""
    prefix = found.prefix
    cursor = transaction.cursor()
    try:
        more, taken = cursor.set_range(start), 0
        while more:
            key = cursor.key()
            if not key.startswith(prefix):
                return b""
            if taken >= SLICE:
                return bytes(key)
            taken += 1
            name = key[len(prefix) :]
            kind = name[:1]
            if kind == b"b":
                found.contents.add(name[1:])
            else:
                _take(found, kind, name[1:], key, cursor.value())
            more = cursor.next()
        return b""
    finally:
        cursor.close()


def _take(found: Snapshot, kind: bytes, name: bytes, key: bytes, value: bytes) -> None:
    try:
        if kind == b"r":
            if len(value) < ROW.size or len(value) != ROW.size + sum(ROW.unpack_from(value)[7:]) or len(name) != 8:
                raise ValueError("row")
            found.rows[_place(name)] = (value[:16], value[16:32], size_of(value))
        elif kind == b"s":
            found.pages.setdefault(int.from_bytes(name[:4]), []).append(_page(key, name, value))
        elif kind == b"e":
            found.placements[name] = value
        elif kind == b"T":
            found.members.add((name[:16], name[16:]))
        elif kind in (b"t", b"u"):
            found.marks.append((key, value))
        elif kind in (b"c", b"x", b"k", b"p", b"w"):
            found.logs.append((key, value))
        elif kind == b"m":
            found.boxes[int.from_bytes(name)] = decoded_mailbox(value)
        elif kind == b"a" and not name:
            found.account = decoded_account(value)
        else:
            found.strange.append(key)
    except (ValueError, msgspec.MsgspecError):
        found.unreadable.append(key)


def _place(name: bytes) -> Place:
    return int.from_bytes(name[:4]), int.from_bytes(name[4:])


def _page(key: bytes, name: bytes, value: bytes) -> Page:
    if len(value) % MESSAGE_OCTETS or len(name) != 8:
        raise ValueError("state page")
    return Page(key, value)
