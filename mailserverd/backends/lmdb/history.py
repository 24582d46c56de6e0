"""The history of an account (for changes) and of a mailbox's expunges (for QRESYNC), both bounded by their length.

Standing rule: what is forgotten is remembered as a floor, so that a reader is told TooOld instead of half the truth.
"""

from array import array
from collections.abc import Iterable, Sequence

import msgspec

from mailserverd.backends.lmdb.records import AccountRecord, MailboxRecord
from mailserverd.backends.lmdb.step import Step
from mailserverd.model.changes import Change, What
from mailserverd.model.identifiers import EmailId, MailboxId, ModSeq, Uid
from mailserverd.model.number_ranges import Ranges, merged, ranges_of

MAX_CHANGES = 65_536
MAX_EXPUNGES = 16_384
_FORGOTTEN_AT_ONCE = 256  # looking for the oldest costs more than forgetting it
_encode = msgspec.msgpack.Encoder().encode
_entry = msgspec.msgpack.Decoder(tuple[int, int, bytes, bytes]).decode


def note_change(step: Step, prefix: bytes, account: AccountRecord, change: Change) -> None:
    uids = array("I", change.uids).tobytes()
    ids = b"" if change.what == What.FLAGS else b"".join(change.email_ids)
    step.put(
        prefix + b"c" + change.modseq.to_bytes(8),
        _encode((int(change.what), change.mailbox_id, uids, ids)),
    )
    account.changes += 1
    if account.changes >= MAX_CHANGES + _FORGOTTEN_AT_ONCE:
        for key, _ in step.scan(prefix + b"c", _FORGOTTEN_AT_ONCE):
            step.delete(key)
            account.changes -= 1
            account.changes_floor = int.from_bytes(key[-8:])


def stored_change(key: bytes, value: bytes) -> Change:
    """As noted; the email ids of FLAGS are empty here, the reader fills them in."""
    what, mailbox, packed, ids = _entry(value)
    uids = array("I")
    uids.frombytes(packed)
    return Change(
        ModSeq(int.from_bytes(key[-8:])),
        What(what),
        MailboxId(mailbox),
        tuple(map(Uid, uids)),
        tuple([EmailId(ids[i : i + 16]) for i in range(0, len(ids), 16)]),
    )


def note_expunged(step: Step, prefix: bytes, box: MailboxRecord, modseq: int, uids: Sequence[int]) -> None:
    kind = prefix + b"x" + box.mailbox_id.to_bytes(4)
    packed = array("I", [bound for pair in ranges_of(uids) for bound in pair])
    step.put(kind + modseq.to_bytes(8), packed.tobytes())
    box.expunges += 1
    if box.expunges >= MAX_EXPUNGES + _FORGOTTEN_AT_ONCE:
        for key, _ in step.scan(kind, _FORGOTTEN_AT_ONCE):
            step.delete(key)
            box.expunges -= 1
            box.expunge_floor = int.from_bytes(key[-8:])


def forget_all_changes(step: Step, prefix: bytes, account: AccountRecord, floor: int) -> None:
    for key, _ in step.scan(prefix + b"c"):
        step.delete(key)
    account.changes, account.changes_floor = 0, floor


def forget_all_expunges(step: Step, prefix: bytes, box: MailboxRecord, floor: int) -> None:
    for key, _ in step.scan(prefix + b"x" + box.mailbox_id.to_bytes(4)):
        step.delete(key)
    box.expunges, box.expunge_floor = 0, floor


def stored_expunges(values: Iterable[bytes]) -> Ranges:
    """UIDs, as noted in any number of entries."""
    pairs: Ranges = []
    for value in values:
        bounds = array("I")
        bounds.frombytes(value)
        pairs.extend(zip(bounds[::2], bounds[1::2], strict=True))
    return merged(pairs)
