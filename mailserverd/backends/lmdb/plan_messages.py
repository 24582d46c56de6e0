"""How messages enter, change, are copied and leave: the operations of a commit on the records of one account.

Standing rules: everything that can be refused is refused before the first spill; a spill happens only where the
operation is the commit's only one (`may_spill`), so that memory stays bounded for any number of messages.
"""

from collections.abc import Callable, Sequence

from mailserverd.backends.lmdb import state_pages, threads
from mailserverd.backends.lmdb.content import packed_content
from mailserverd.backends.lmdb.history import note_expunged
from mailserverd.backends.lmdb.keys import numbered
from mailserverd.backends.lmdb.plan_account import AccountPlan
from mailserverd.backends.lmdb.records import (
    MailboxRecord,
    packed_row,
    saved_at,
    size_of,
    thread_keys_of,
)
from mailserverd.interfaces.mail_store import Add, Copy, Expunge, Move, OpResult, Placed, SetFlags, UidRanges
from mailserverd.model.changes import What
from mailserverd.model.errors import LimitReached
from mailserverd.model.flags import DELETED, KEYWORD_SHIFT, SEEN, names_of
from mailserverd.model.identifiers import MAX_UID, Uid
from mailserverd.model.number_ranges import ranges_of

SLICE = 1000


def add(plan: AccountPlan, op: Add, random: Callable[[int], bytes]) -> OpResult:
    box = plan.box(op.mailbox_id)
    _require_room(box, 1)
    mask = plan.mask(box, op.flags)
    message, step, prefix = op.message, plan.step, plan.prefix
    plan.charge(message.size, 1)
    now = plan.terms.now
    uid, modseq = box.uid_next, plan.next_modseq()
    email_id = int(now * 1000).to_bytes(6) + (modseq & 0xFFFFFF).to_bytes(3) + random(7)  # rises within one instant too
    thread = op.thread or threads.thread_for(step, prefix, message.thread_keys, email_id)
    row = packed_row(message, email_id, thread, op.internal_date, op.internal_offset, int(now))
    step.put(numbered(prefix, b"r", box.mailbox_id, uid), row)
    step.put(prefix + b"b" + email_id, packed_content(message, plan.terms.zstd_level))
    step.put(prefix + b"e" + email_id, _place(box.mailbox_id, uid))
    threads.join(step, prefix, thread, email_id)
    state_pages.append(step, prefix, box, (uid,), (mask,), modseq)
    _count(box, mask, message.size, 1)
    box.uid_next += 1
    box.highest_modseq = modseq
    plan.note(modseq, What.ADDED, box.mailbox_id, (uid,), (email_id,), (mask,))
    return OpResult(
        placed=(Placed(0, box.mailbox_id, uid, email_id, thread),),
        mailbox_id=op.mailbox_id,
        uid_validity=box.uid_validity,
    )


def set_flags(plan: AccountPlan, op: SetFlags) -> OpResult:
    box = plan.box(op.mailbox_id)
    given = plan.mask(box, op.flags, extend=op.how != "remove")
    clear = given if op.how == "remove" else (1 << 64) - 1 if op.how == "replace" else 0
    keep, give = ~clear & (1 << 64) - 1, 0 if op.how == "remove" else given
    limit = (1 << 64) - 1 if op.unchanged_since is None else op.unchanged_since
    modseq = 0
    done: list[Uid] = []
    modified: list[Uid] = []
    changed: list[int] = []
    now_masks: list[int] = []
    for page, positions in state_pages.selected(plan.step, plan.prefix, box.mailbox_id, op.uids):
        uids, masks, modseqs = page.uids, page.masks, page.modseqs
        before = len(changed)
        for i in positions:
            if modseqs[i] > limit:
                modified.append(Uid(uids[i]))
                continue
            old = masks[i]
            new = old & keep | give
            done.append(Uid(uids[i]))
            if new != old:
                modseq = modseq or plan.next_modseq()
                masks[i], modseqs[i] = new, modseq
                changed.append(uids[i])
                now_masks.append(new)
                if (old ^ new) & (SEEN | DELETED):
                    _recount(plan, box, uids[i], old, new)
        if len(changed) > before:
            plan.step.put(page.key, page.encoded())
    if changed:
        box.highest_modseq = modseq
        plan.note(modseq, What.FLAGS, box.mailbox_id, changed, (), now_masks)
    return OpResult(tuple(done), tuple(modified), mailbox_id=op.mailbox_id)


def _recount(plan: AccountPlan, box: MailboxRecord, uid: int, old: int, new: int) -> None:
    box.unseen += (old & SEEN) - (new & SEEN)
    if (old ^ new) & DELETED:
        sign = 1 if new & DELETED else -1
        box.deleted += sign
        box.deleted_octets += sign * size_of(plan.step.get(numbered(plan.prefix, b"r", box.mailbox_id, uid)) or b"")


def copy(plan: AccountPlan, op: Copy | Move, may_spill: bool, most: int = 0) -> OpResult:
    """most: messages, the first ones; 0: all."""
    source, target = plan.box(op.mailbox_id), plan.box(op.target)
    found: list[tuple[int, int]] = []
    for page, positions in state_pages.selected(plan.step, plan.prefix, source.mailbox_id, op.uids):
        found += [(page.uids[i], page.masks[i]) for i in positions]
        if 0 < most < len(found):
            plan.next_uid = found[most][0]
            del found[most:]
            break
    _require_room(target, len(found))
    translate = _translation(plan, source, target, {mask for _, mask in found})
    moving = isinstance(op, Move)
    if not moving and plan.terms.quota is not None:
        sizes = sum(size_of(_row(plan, source, uid)) for uid, _ in found)
        plan.charge(sizes, 0)
        plan.account.octets -= sizes
    placed: list[Placed] = []
    for at in range(0, len(found), SLICE):
        part = found[at : at + SLICE]
        rows = [(uid, _row(plan, source, uid)) for uid, _ in part]
        if moving:
            _remove(plan, source, ranges_of([uid for uid, _ in part]), False, may_spill=False, keep_content=True)
        placed += _copy_slice(plan, target, rows, [translate[mask] for _, mask in part])
        if may_spill:
            plan.step.spill()
    done = tuple([Uid(each.source_uid) for each in placed]) if moving else ()
    return OpResult(done, placed=tuple(placed), mailbox_id=op.target, uid_validity=target.uid_validity)


def _copy_slice(
    plan: AccountPlan, target: MailboxRecord, rows: Sequence[tuple[int, bytes]], masks: Sequence[int]
) -> list[Placed]:
    step, prefix, now = plan.step, plan.prefix, int(plan.terms.now)
    modseq = plan.next_modseq()
    first = target.uid_next
    placed = []
    for i, (uid, row) in enumerate(rows):
        email_id, size, new = row[:16], size_of(row), first + i
        step.put(numbered(prefix, b"r", target.mailbox_id, new), saved_at(row, now))
        key = prefix + b"e" + email_id
        step.put(key, (step.get(key) or b"") + _place(target.mailbox_id, new))
        _count(target, masks[i], size, 1)
        plan.account.octets += size
        placed.append(Placed(uid, target.mailbox_id, new, email_id, row[16:32]))
    plan.account.messages += len(rows)
    target.uid_next += len(rows)
    target.highest_modseq = modseq
    news = range(first, first + len(rows))
    state_pages.append(step, prefix, target, news, masks, modseq)
    plan.note(modseq, What.ADDED, target.mailbox_id, news, [each.email_id for each in placed], masks)
    return placed


def _translation(plan: AccountPlan, source: MailboxRecord, target: MailboxRecord, masks: set[int]) -> dict[int, int]:
    """What each mask of the source is in the target's keyword table."""
    same = source.keywords == target.keywords[: len(source.keywords)]
    return {
        mask: mask if same or not mask >> KEYWORD_SHIFT else plan.mask(target, names_of(mask, source.keywords))
        for mask in masks
    }


def expunge(plan: AccountPlan, op: Expunge, may_spill: bool, most: int = 0) -> OpResult:
    """most: messages, the first ones; 0: all."""
    box = plan.box(op.mailbox_id)
    removed = _remove(plan, box, op.uids, op.only_deleted, may_spill, most=most)
    return OpResult(tuple(map(Uid, removed)), mailbox_id=op.mailbox_id)


def empty(plan: AccountPlan, box: MailboxRecord, may_spill: bool) -> None:
    _remove(plan, box, ((1, MAX_UID),), False, may_spill)


def _remove(
    plan: AccountPlan,
    box: MailboxRecord,
    ranges: UidRanges,
    only_deleted: bool,
    may_spill: bool,
    keep_content: bool = False,
    most: int = 0,
) -> list[int]:
    """Take messages out of a mailbox; content that lies nowhere any more goes too, unless it is about to be placed."""
    removed: list[int] = []
    ids: list[bytes] = []
    noted = 0  # how many of them the history tells
    for page, positions in state_pages.selected(plan.step, plan.prefix, box.mailbox_id, ranges):
        if only_deleted:
            positions = [i for i in positions if page.masks[i] & DELETED]
        if not positions:
            continue
        if most and len(removed) + len(positions) > most:
            kept = most - len(removed)
            plan.next_uid = page.uids[positions[kept]]
            del positions[kept:]
            if not positions:
                break
        for i in positions:
            removed.append(page.uids[i])
            ids.append(_remove_placement(plan, box, page.uids[i], page.masks[i], keep_content))
        state_pages.without(plan.step, plan.prefix, box, page, positions)
        if len(removed) - noted >= SLICE:
            _note_removed(plan, box, removed[noted:], ids[noted:])
            noted = len(removed)
            if may_spill:
                plan.step.spill()
        if most and plan.next_uid:
            break
    if len(removed) > noted:
        _note_removed(plan, box, removed[noted:], ids[noted:])
    return removed


def _note_removed(plan: AccountPlan, box: MailboxRecord, uids: list[int], ids: list[bytes]) -> None:
    box.highest_modseq = plan.next_modseq()
    note_expunged(plan.step, plan.prefix, box, box.highest_modseq, uids)
    plan.note(box.highest_modseq, What.EXPUNGED, box.mailbox_id, uids, ids)


def _remove_placement(plan: AccountPlan, box: MailboxRecord, uid: int, mask: int, keep_content: bool) -> bytes:
    step, prefix = plan.step, plan.prefix
    row = _row(plan, box, uid)
    email_id, size = row[:16], size_of(row)
    step.delete(numbered(prefix, b"r", box.mailbox_id, uid))
    key = prefix + b"e" + email_id
    places = step.get(key) or b""
    mine = _place(box.mailbox_id, uid)
    rest = b"".join([places[i : i + 8] for i in range(0, len(places), 8) if places[i : i + 8] != mine])
    if rest or keep_content:
        step.put(key, rest)
    else:
        step.delete(key)
        step.delete(prefix + b"b" + email_id)
        threads.forget(step, prefix, thread_keys_of(row), row[16:32], email_id)
    _count(box, mask, size, -1)
    plan.account.octets -= size
    plan.account.messages -= 1
    return email_id


def _row(plan: AccountPlan, box: MailboxRecord, uid: int) -> bytes:
    row = plan.step.get(numbered(plan.prefix, b"r", box.mailbox_id, uid))
    if row is None:
        raise LimitReached(f"message {uid} has no record: run `mailserverd store check`")
    return row


def _place(mailbox_id: int, uid: int) -> bytes:
    return (mailbox_id << 32 | uid).to_bytes(8)


def _count(box: MailboxRecord, mask: int, size: int, sign: int) -> None:
    box.messages += sign
    box.octets += sign * size
    if not mask & SEEN:
        box.unseen += sign
    if mask & DELETED:
        box.deleted += sign
        box.deleted_octets += sign * size


def _require_room(box: MailboxRecord, messages: int) -> None:
    if box.uid_next + messages > MAX_UID:
        raise LimitReached(f"mailbox {box.name!r} has given out all its UIDs")
