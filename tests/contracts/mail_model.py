"""A model of one account, as small as can be: what a random sequence of operations must have done."""

import random
from dataclasses import dataclass, field

from mailserverd.interfaces.mail_store import (
    Add,
    Copy,
    DropMailbox,
    Expunge,
    Move,
    Op,
    OpResult,
    PutMailbox,
    SetFlags,
    UidRanges,
)
from mailserverd.model.identifiers import MailboxId
from tests.contracts.mail import message_of, octets_of

WORDS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Label1", "Work", "NonJunk")


@dataclass
class Kept:
    octets: bytes
    flags: frozenset[str]
    email_id: bytes
    modseq: int


@dataclass
class Box:
    name: str
    uid_next: int = 1
    messages: dict[int, Kept] = field(default_factory=dict)

    def named(self, ranges: UidRanges) -> list[int]:
        return [uid for uid in sorted(self.messages) if any(low <= uid <= high for low, high in ranges)]


class Model:
    def __init__(self, inbox: MailboxId, random_source: random.Random) -> None:
        self.inbox = inbox
        self.boxes: dict[MailboxId, Box] = {inbox: Box("INBOX")}
        self._random = random_source
        self._made = 0

    # What to do next

    def some_op(self) -> Op:
        box = self._random.choice(list(self.boxes))
        kind = self._random.choices(
            ["add", "flags", "copy", "move", "expunge", "create", "rename", "drop"], [40, 25, 8, 8, 10, 4, 3, 2]
        )[0]
        if kind == "add":
            self._made += 1
            octets = octets_of(self._made, self._random.choice((0, 30, 500, 5_000)))
            return Add(box, message_of(octets), self._some_flags(), self._made)
        if kind == "flags":
            how = self._random.choice(("add", "remove", "replace"))
            return SetFlags(box, self._some_uids(box), how, self._some_flags())
        if kind in ("copy", "move"):
            target = self._random.choice(list(self.boxes))
            return (Copy if kind == "copy" else Move)(box, self._some_uids(box), target)
        if kind == "expunge":
            return Expunge(box, self._some_uids(box), only_deleted=self._random.random() < 0.7)
        if kind == "drop" and box != self.inbox:
            return DropMailbox(box)
        self._made += 1
        parent = self.boxes[box].name + "/" if self._random.random() < 0.3 else ""
        renames = kind == "rename" and box != self.inbox
        return PutMailbox(box if renames else None, f"{'' if renames else parent}box{self._made}")

    def _some_flags(self) -> tuple[str, ...]:
        return tuple(self._random.sample(WORDS, self._random.randrange(4)))

    def _some_uids(self, box: MailboxId) -> UidRanges:
        top = self.boxes[box].uid_next
        low = self._random.randint(1, top)
        return ((low, low + self._random.randrange(6)),)

    # What that must do

    def apply(self, op: Op, result: OpResult, modseqs: range) -> None:
        """result: what the store said; modseqs: those that the commit may have given."""
        if isinstance(op, Add):
            [placed] = result.placed
            octets = b"".join(segment.octets for segment in op.message.segments)  # type: ignore[union-attr]
            self._place(op.mailbox_id, placed.uid, Kept(octets, frozenset(op.flags), placed.email_id, modseqs[-1]))
        elif isinstance(op, SetFlags):
            self._set_flags(op, result, modseqs)
        elif isinstance(op, (Copy, Move)):
            self._copy(op, result, modseqs)
        elif isinstance(op, Expunge):
            box = self.boxes[op.mailbox_id]
            gone = [u for u in box.named(op.uids) if not op.only_deleted or "\\Deleted" in box.messages[u].flags]
            assert list(result.done) == gone
            for uid in gone:
                del box.messages[uid]
        elif isinstance(op, PutMailbox):
            self._put_mailbox(op, result)
        elif isinstance(op, DropMailbox):
            del self.boxes[op.mailbox_id]

    def _place(self, mailbox_id: MailboxId, uid: int, kept: Kept) -> None:
        box = self.boxes[mailbox_id]
        assert uid == box.uid_next
        box.uid_next += 1
        box.messages[uid] = kept

    def _set_flags(self, op: SetFlags, result: OpResult, modseqs: range) -> None:
        box, wish = self.boxes[op.mailbox_id], frozenset(op.flags)
        assert list(result.done) == box.named(op.uids)
        for uid in result.done:
            kept = box.messages[uid]
            new = {"add": kept.flags | wish, "remove": kept.flags - wish, "replace": wish}[op.how]
            if new != kept.flags:
                kept.flags, kept.modseq = new, modseqs[-1]

    def _copy(self, op: Copy | Move, result: OpResult, modseqs: range) -> None:
        source = self.boxes[op.mailbox_id]
        named = source.named(op.uids)
        assert [placed.source_uid for placed in result.placed] == named
        for placed in result.placed:
            kept = source.messages[placed.source_uid]
            assert placed.email_id == kept.email_id
            self._place(op.target, placed.uid, Kept(kept.octets, kept.flags, kept.email_id, modseqs[-1]))
        if isinstance(op, Move):
            for uid in named:
                del source.messages[uid]

    def _put_mailbox(self, op: PutMailbox, result: OpResult) -> None:
        assert op.name is not None
        if op.mailbox_id is None:
            assert result.mailbox_id is not None
            assert result.mailbox_id not in self.boxes
            self.boxes[result.mailbox_id] = Box(op.name)
            return
        old = self.boxes[op.mailbox_id].name
        self.boxes[op.mailbox_id].name = op.name
        for box in self.boxes.values():
            if box.name.startswith(old + "/"):
                box.name = op.name + box.name[len(old) :]
