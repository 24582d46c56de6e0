"""plan_commit: one AccountMail.commit, run in the writer thread inside its transaction."""

from collections.abc import Callable, Sequence

import msgspec

from mailserverd.backends.lmdb import plan_messages
from mailserverd.backends.lmdb.keys import MAX_ATTRIBUTE_OCTETS
from mailserverd.backends.lmdb.outcome import Outcome
from mailserverd.backends.lmdb.plan_account import AccountPlan, Terms
from mailserverd.backends.lmdb.stage import Stage, note_copy
from mailserverd.backends.lmdb.step import Step
from mailserverd.interfaces.mail_store import (
    Add,
    Committed,
    Copy,
    DropMailbox,
    Expunge,
    Move,
    Op,
    OpResult,
    PutAttribute,
    PutMailbox,
    SetFlags,
    TakeRecent,
    UidRanges,
)
from mailserverd.model.changes import What
from mailserverd.model.errors import AlreadyExists, Conflict, LimitReached
from mailserverd.model.identifiers import MailboxId, ModSeq
from mailserverd.model.mailbox import INBOX, SEPARATOR

_WEEK = 7 * 86_400
_STALE_A_COMMIT = 64
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Committed).decode


def plan_commit(
    step: Step,
    account_id: int,
    terms: Terms,
    ops: Sequence[Op],
    key: bytes | None,
    if_modseq: int | None,
    random: Callable[[int], bytes],
    fresh_key: bool = False,
    stage: Stage | None = None,
) -> Outcome:
    """stage: of a Copy, Move or Expunge that is the only operation, do as many messages as the stage has room for."""
    plan = AccountPlan(step, account_id, terms)
    week = int(terms.now) // _WEEK
    if key is not None and not fresh_key:
        known = _known(plan, key, week)
        if known is not None:
            return Outcome(known._replace(replayed=True))
    if if_modseq is not None and plan.account.modseq != if_modseq:
        raise Conflict("the account has changed meanwhile")
    if all(isinstance(op, SetFlags | TakeRecent) for op in ops):
        plan.reserve()
    alone = len(ops) == 1
    results = tuple([_do(plan, op, alone, random, stage) for op in ops])
    committed = Committed(ModSeq(plan.account.modseq), results)
    if key is not None:
        step.put(plan.prefix + b"k" + week.to_bytes(2) + key, _encode(committed))
        oldest = plan.account.oldest_keys
        if not oldest:
            plan.account.oldest_keys = week
        elif oldest + 1 < week:
            _drop_stale(plan, week)
    plan.put()
    return Outcome(committed, plan.account, plan.boxes, plan.dropped, plan.effects, plan.next_uid)


def _known(plan: AccountPlan, key: bytes, week: int) -> Committed | None:
    """Keys are kept in the bucket of their week and found there until the week after the next begins."""
    for bucket in range(week, max(week - 1, plan.account.oldest_keys) - 1, -1):
        value = plan.step.get(plan.prefix + b"k" + bucket.to_bytes(2) + key)
        if value is not None:
            return _decode(value)
    return None


def _drop_stale(plan: AccountPlan, week: int) -> None:
    kind = plan.prefix + b"k"
    for stale, _ in plan.step.scan(kind, _STALE_A_COMMIT):
        bucket = int.from_bytes(stale[len(kind) : len(kind) + 2])
        if bucket + 1 >= week:
            plan.account.oldest_keys = bucket
            return
        plan.step.delete(stale)


def _do(plan: AccountPlan, op: Op, alone: bool, random: Callable[[int], bytes], stage: Stage | None = None) -> OpResult:
    if isinstance(op, Add):
        return plan_messages.add(plan, op, random)
    if isinstance(op, SetFlags):
        result = plan_messages.set_flags(plan, op)
        return result._replace(missing=missing(op.uids, result.done, result.modified))
    if isinstance(op, Copy | Move):
        result = plan_messages.copy(plan, op, alone, stage.most if stage else 0)
        if stage and isinstance(op, Copy):
            note_copy(plan.step, stage, op.target, result.placed, plan.next_uid > 0)
        return result._replace(missing=missing(op.uids, [each.source_uid for each in result.placed]))
    if isinstance(op, Expunge):
        result = plan_messages.expunge(plan, op, alone, stage.most if stage else 0)
        return result if op.only_deleted else result._replace(missing=missing(op.uids, result.done))
    if isinstance(op, TakeRecent):
        box = plan.box(op.mailbox_id)
        before, box.recent_from = box.recent_from, box.uid_next
        return OpResult(recent_from=before, mailbox_id=op.mailbox_id)
    if isinstance(op, PutMailbox):
        return _put_mailbox(plan, op)
    if isinstance(op, DropMailbox):
        return _drop_mailbox(plan, op, alone)
    return _put_attribute(plan, op)


def missing(ranges: UidRanges, *there: Sequence[int]) -> int:
    """How many of the UIDs that were named one by one are not `there`."""
    single = [low for low, high in ranges if low == high]
    if not single:
        return 0
    found = set().union(*there)
    return sum(uid not in found for uid in single)


def _put_mailbox(plan: AccountPlan, op: PutMailbox) -> OpResult:
    if op.mailbox_id is None:
        if not op.name:
            raise LimitReached("a mailbox needs a name")
        box = plan.create(op.name, op.special_use or (), bool(op.subscribed))
        return OpResult(mailbox_id=MailboxId(box.mailbox_id), uid_validity=box.uid_validity)
    box = plan.box(op.mailbox_id)
    if op.name is not None and op.name != box.name:
        _rename(plan, box.name, op.name)
    if op.special_use is not None:
        box.special_use = op.special_use
    if op.subscribed is not None:
        box.subscribed = op.subscribed
    box.highest_modseq = modseq = plan.next_modseq()
    plan.note(modseq, What.MAILBOX, box.mailbox_id)
    return OpResult(mailbox_id=op.mailbox_id, uid_validity=box.uid_validity)


def _rename(plan: AccountPlan, old: str, new: str) -> None:
    """With all inferiors (RFC 9051 §6.3.6)."""
    if old == INBOX:
        raise Conflict("the inbox is not renamed; its messages are moved")
    under = old + SEPARATOR
    if new.startswith(under):
        raise AlreadyExists("a mailbox cannot become its own child")
    boxes = plan.all_boxes()
    moved = {
        box.mailbox_id: new + box.name[len(old) :] for box in boxes if box.name == old or box.name.startswith(under)
    }
    taken = {box.name for box in boxes if box.mailbox_id not in moved}
    for name in moved.values():
        if name in taken:
            raise AlreadyExists(f"mailbox {name!r} is there already")
    for box in boxes:
        if box.mailbox_id in moved:
            named_itself = box.name == old
            box.name = moved[box.mailbox_id]
            if not named_itself:
                box.highest_modseq = modseq = plan.next_modseq()
                plan.note(modseq, What.MAILBOX, box.mailbox_id)


def _drop_mailbox(plan: AccountPlan, op: DropMailbox, alone: bool) -> OpResult:
    box = plan.box(op.mailbox_id)
    if box.name == INBOX:
        raise Conflict("the inbox cannot be deleted")
    plan_messages.empty(plan, box, alone)
    number = box.mailbox_id.to_bytes(4)
    for key, _ in plan.step.scan(plan.prefix + b"x" + number):
        plan.step.delete(key)
    plan.step.delete(plan.prefix + b"m" + number)
    del plan.boxes[box.mailbox_id]
    plan.dropped.append(box.mailbox_id)
    plan.account.mailboxes -= 1
    plan.note(plan.next_modseq(), What.MAILBOX_GONE, box.mailbox_id)
    return OpResult(mailbox_id=op.mailbox_id, uid_validity=box.uid_validity)


def _put_attribute(plan: AccountPlan, op: PutAttribute) -> OpResult:
    name = op.name.encode()
    if len(name) > MAX_ATTRIBUTE_OCTETS:
        raise LimitReached(f"a name has at most {MAX_ATTRIBUTE_OCTETS} octets")
    if op.value is None:
        plan.step.delete(plan.prefix + b"p" + name)
    else:
        plan.step.put(plan.prefix + b"p" + name, op.value)
    plan.next_modseq()
    return OpResult()
