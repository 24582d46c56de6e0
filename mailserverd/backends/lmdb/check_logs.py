"""Judging an account's logs: its history, its expunge logs, its idempotency results, its attributes.

Standing rules: pure; a step that cannot be read takes the history before it along, by a raised floor, since half a
history would lie to whoever follows it. The records given are set to what they should say.
"""

from array import array
from collections.abc import Callable, Iterator

import msgspec

from mailserverd.backends.lmdb.check_finding import ERROR, WARNING, Finding
from mailserverd.backends.lmdb.check_snapshot import Place, Snapshot
from mailserverd.backends.lmdb.history import stored_change
from mailserverd.backends.lmdb.records import AccountRecord, MailboxRecord, encoded
from mailserverd.backends.lmdb.stage import decoded_copy
from mailserverd.interfaces.mail_store import Committed

_committed = msgspec.msgpack.Decoder(Committed).decode
Rows = dict[Place, tuple[bytes, bytes, int]]


def log_findings(
    found: Snapshot, account: AccountRecord, boxes: dict[int, MailboxRecord], rows: Rows
) -> Iterator[Finding]:
    """account, boxes: corrected here as far as their logs are concerned."""
    by_kind: dict[bytes, list[tuple[bytes, bytes]]] = {}
    at = len(found.prefix)
    for key, value in found.logs:
        by_kind.setdefault(key[at : at + 1], []).append((key, value))
    yield from _history(found, account, by_kind.get(b"c", []))
    yield from _expunges(found, boxes, by_kind.get(b"x", []), rows)
    for key, value in by_kind.get(b"k", []):
        if not _readable(_committed, value):
            yield Finding(WARNING, found.account_id, "the result of a keyed commit is unreadable", deletes=(key,))
    for key, value in by_kind.get(b"w", []):
        if not _readable(decoded_copy, value):
            what = "the record of a COPY that is not whole is unreadable: what it has put there stays"
            yield Finding(WARNING, found.account_id, what, deletes=(key,))


def _readable(decode: Callable[[bytes], object], value: bytes) -> bool:
    try:
        decode(value)
    except (msgspec.MsgspecError, ValueError):
        return False
    return True


def _history(found: Snapshot, account: AccountRecord, steps: list[tuple[bytes, bytes]]) -> Iterator[Finding]:
    bad, kept = 0, 0
    for i, (key, value) in enumerate(steps):
        try:
            stored_change(key, value)
        except (msgspec.MsgspecError, ValueError):
            bad = i + 1
    floor, top = account.changes_floor, max((int.from_bytes(key[-8:]) for key, _ in steps), default=0)
    if top > account.modseq:
        account.modseq = top  # told by the account's own finding: a mailbox has at least as much, or the history
    if bad:
        account.changes_floor = max(floor, int.from_bytes(steps[bad - 1][0][-8:]))
        keys = tuple(key for key, _ in steps[:bad])
        yield Finding(WARNING, found.account_id, "a step of the history is unreadable", deletes=keys)
    kept = len(steps) - bad
    if account.changes != kept:
        account.changes = kept


def _expunges(
    found: Snapshot, boxes: dict[int, MailboxRecord], entries: list[tuple[bytes, bytes]], rows: Rows
) -> Iterator[Finding]:
    by_box: dict[int, list[tuple[bytes, bytes]]] = {}
    for key, value in entries:
        by_box.setdefault(int.from_bytes(key[-12:-8]), []).append((key, value))
    for number, logged in by_box.items():
        if number not in boxes:
            keys = tuple(key for key, _ in logged)
            yield Finding(WARNING, found.account_id, f"an expunge log of mailbox {number}, which is gone", deletes=keys)
    for number, box in boxes.items():
        yield from _expunges_of(found, box, by_box.get(number, []), rows)


def _expunges_of(
    found: Snapshot, box: MailboxRecord, logged: list[tuple[bytes, bytes]], rows: Rows
) -> Iterator[Finding]:
    bad = 0
    wrong: list[str] = []
    for i, (_, value) in enumerate(logged):
        bounds = array("I")
        if len(value) % 8 == 0:
            bounds.frombytes(value)
        pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
        if not pairs or any(low > high or high >= box.uid_next for low, high in pairs):
            bad = i + 1
            wrong.append("an entry of its expunge log is unreadable")
        elif any((box.mailbox_id, uid) in rows for low, high in pairs for uid in range(low, high + 1)):
            bad = i + 1
            wrong.append("its expunge log names a message that is there")
    if bad:
        box.expunge_floor = max(box.expunge_floor, int.from_bytes(logged[bad - 1][0][-8:]))
    if box.expunges != len(logged) - bad:
        wrong.append(f"its expunge log has {len(logged) - bad} entries, not {box.expunges}")
        box.expunges = len(logged) - bad
    if wrong:
        key = found.prefix + b"m" + box.mailbox_id.to_bytes(4)
        what = f"mailbox {box.mailbox_id} ({box.name}): " + "; ".join(dict.fromkeys(wrong))
        keys = tuple(each for each, _ in logged[:bad])
        yield Finding(ERROR, found.account_id, what, ((key, encoded(box)),), keys)
