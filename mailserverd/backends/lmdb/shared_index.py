"""The MailboxIndex of a mailbox: loaded from its state pages, then kept up by the effects of commits."""

from array import array
from collections.abc import Sequence
from itertools import compress

from mailserverd.backends.lmdb.environment import Transaction
from mailserverd.backends.lmdb.outcome import Effect
from mailserverd.backends.lmdb.state_pages import MESSAGE_OCTETS
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import What
from mailserverd.model.mailbox import MailboxRow
from mailserverd.model.number_ranges import ranges_of

_FEW = 64


def loaded_index(transaction: Transaction, prefix: bytes, row: MailboxRow) -> MailboxIndex:
    """transaction: one with buffers."""
    uids, masks, modseqs = array("I"), array("Q"), array("Q")
    kind = prefix + b"s" + row.mailbox_id.to_bytes(4)
    cursor = transaction.cursor()
    more = cursor.set_range(kind)
    while more:
        key, value = cursor.item()
        if bytes(key[: len(kind)]) != kind:
            break
        n = len(value) // MESSAGE_OCTETS
        uids.frombytes(value[: 4 * n])
        masks.frombytes(value[4 * n : 12 * n])
        modseqs.frombytes(value[12 * n :])
        more = cursor.next()
    cursor.close()
    return MailboxIndex(row, uids, masks, modseqs)


def apply_effect(index: MailboxIndex, effect: Effect) -> None:
    change = effect.change
    if change.what == What.ADDED:
        index.uids.extend(change.uids)
        index.masks.extend(effect.masks)
        index.modseqs.extend([change.modseq] * len(change.uids))
    elif change.what == What.FLAGS:
        _set_masks(index, effect)
    elif change.what == What.EXPUNGED:
        _take_out(index, change.uids)
    elif change.what == What.MAILBOX_GONE:
        index.gone = True
    index.log(change)


def _set_masks(index: MailboxIndex, effect: Effect) -> None:
    uids, modseq = effect.change.uids, effect.change.modseq
    first = index.position_of(uids[0])
    end = first + len(uids)
    if first >= 0 and end <= len(index.uids) and index.uids[end - 1] - uids[0] == uids[-1] - uids[0] == end - first - 1:
        index.masks[first:end] = array("Q", effect.masks)
        index.modseqs[first:end] = array("Q", [modseq]) * len(uids)
        return
    for uid, mask in zip(uids, effect.masks, strict=True):
        i = index.position_of(uid)
        if i >= 0:
            index.masks[i] = mask
            index.modseqs[i] = modseq


def _take_out(index: MailboxIndex, gone: tuple[int, ...]) -> None:
    """New arrays, for readers may hold the old ones."""
    runs = ranges_of([i for i in map(index.position_of, gone) if i >= 0])
    if len(runs) <= _FEW:
        index.uids = _without(index.uids, runs)
        index.masks = _without(index.masks, runs)
        index.modseqs = _without(index.modseqs, runs)
        return
    keep = bytearray(b"\1") * len(index.uids)
    for first, last in runs:
        keep[first : last + 1] = bytes(last + 1 - first)
    index.uids = array("I", compress(index.uids, keep))
    index.masks = array("Q", compress(index.masks, keep))
    index.modseqs = array("Q", compress(index.modseqs, keep))


def _without(column: "array[int]", runs: Sequence[tuple[int, int]]) -> "array[int]":
    """runs: positions, first and last."""
    column = column[:]
    for first, last in reversed(runs):
        del column[first : last + 1]
    return column
