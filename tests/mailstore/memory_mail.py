"""An AccountMail that keeps everything in memory, as interfaces/mail_store.py has it, for tests above the seam."""

from array import array
from dataclasses import dataclass

from mailserverd.interfaces.mail_store import (
    Add,
    Committed,
    OpResult,
    Page,
    Placed,
    PutMailbox,
)
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import Change, What
from mailserverd.model.errors import AlreadyExists, NotFound, OverQuota
from mailserverd.model.flags import DELETED, SEEN, mask_of
from mailserverd.model.mailbox import AccountState, MailboxRow
from mailserverd.model.message import (
    HEADER_ROW_OCTETS,
    INLINE_READ_OCTETS,
    Fields,
    InlineSegment,
    MessageRow,
    NewMessage,
    SortKeys,
    ThreadKeys,
)
from mailserverd.wire.mime.headers import index_header


def drive(coroutine):
    """The result of a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited")


def plain_message(octets: bytes) -> NewMessage:
    """A NewMessage of octets without MIME structure."""
    end = octets.find(b"\r\n\r\n")
    header = octets[: end + 4] if end >= 0 else octets
    return NewMessage(
        size=len(octets),
        header=header,
        header_index=index_header(header),
        part_map=b"",
        envelope=b'(NIL "subject" NIL NIL NIL NIL NIL NIL NIL NIL)',
        body_structure=b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL NIL NIL NIL)',
        preview=b"",
        has_attachment=False,
        sort_keys=SortKeys(b"", None, b"", b"", b"", b"", b""),
        thread_keys=ThreadKeys(b"", (), b"", False),
        segments=(InlineSegment(octets),),
    )


@dataclass
class Kept:
    message: NewMessage
    email_id: bytes
    internal_date: int
    internal_offset: int


class MemoryMail:
    """The inbox is there. quota: octets, None = any."""

    def __init__(self, quota=None):
        self.account_id = 1
        self.quota = quota
        self.modseq = 100
        self.indexes = {}
        self.kept = {}
        self.named = {}
        self.keys = {}
        self.commits = []
        self.largest_page = 1_000_000
        self._next_mailbox = 1
        self._next_email = 1
        self.commit_now([PutMailbox(None, "INBOX")])

    # -- reads

    async def state(self):
        rows = [index.row for index in self.indexes.values()]
        return AccountState(self.modseq, sum(r.octets for r in rows), sum(r.messages for r in rows), self.quota)

    async def mailboxes(self):
        return sorted((index.row for index in self.indexes.values()), key=lambda row: row.name)

    async def mailbox_named(self, name):
        return next((index.row for index in self.indexes.values() if index.row.name == name), None)

    async def index(self, mailbox_id):
        if mailbox_id not in self.indexes:
            raise NotFound("no mailbox")
        return self.indexes[mailbox_id]

    async def rows(self, mailbox_id, uids, want, limit):
        if mailbox_id not in self.indexes:
            raise NotFound("no mailbox")
        kept = self.kept[mailbox_id]
        page = Page()
        for low, high in uids:
            for uid in self.indexes[mailbox_id].uids:
                if low <= uid <= high:
                    if len(page.rows) >= min(limit, self.largest_page):
                        return Page(page.rows, uid)
                    page.rows.append(self._row(uid, kept[uid], want))
        return page

    def _row(self, uid, kept, want):
        m = kept.message

        def when(field, value, other=b""):
            return value if want & field else other

        octets = b"".join(segment.octets for segment in m.segments)
        return MessageRow(
            uid,
            kept.email_id,
            b"T" * 16,
            kept.internal_date,
            kept.internal_offset,
            kept.internal_date,
            m.size,
            m.has_attachment,
            when(Fields.ENVELOPE, m.envelope),
            when(Fields.STRUCTURE, m.body_structure),
            when(Fields.HEADER, m.header[:HEADER_ROW_OCTETS]),
            when(Fields.HEADER, m.header_index),
            when(Fields.PARTS, m.part_map),
            when(Fields.PREVIEW, m.preview),
            when(Fields.SORT, m.sort_keys, None),
            when(Fields.THREAD, m.thread_keys, None),
            octets if want & Fields.OCTETS and m.size <= INLINE_READ_OCTETS else None,
            when(Fields.HEADER, len(m.header), 0),
        )

    async def octets(self, email_id, start, stop):
        assert stop - start <= 1_048_576
        for messages in self.kept.values():
            for kept in messages.values():
                if kept.email_id == email_id:
                    return b"".join(segment.octets for segment in kept.message.segments)[start:stop]
        raise NotFound("no message")

    async def attributes(self, prefix, limit):
        names = sorted(name for name in self.named if name.startswith(prefix))[:limit]
        return {name: self.named[name] for name in names}

    # -- commit

    async def commit(self, ops, idempotency_key=None, if_modseq=None, origin=None, fresh_key=False):
        return self.commit_now(ops, idempotency_key)

    def commit_now(self, ops, key=None):
        if key is not None and key in self.keys:
            return self.keys[key]._replace(replayed=True)
        self.commits.append(tuple(ops))
        results = tuple(getattr(self, "_" + type(op).__name__)(op) for op in ops)
        done = Committed(self.modseq, results)
        if key is not None:
            self.keys[key] = done
        return done

    def add(self, octets, flags=(), date=0, offset=0, mailbox_id=1):
        """For tests: one message into the inbox; its UID."""
        return (
            self.commit_now([Add(mailbox_id, plain_message(octets), tuple(flags), date, offset)])
            .results[0]
            .placed[0]
            .uid
        )

    def _step(self):
        self.modseq += 1
        return self.modseq

    def _mask(self, index, flags):
        mask, unknown = mask_of(tuple(flags), index.row.keywords)
        if unknown:
            index.row = index.row._replace(keywords=index.row.keywords + unknown)
            mask, _ = mask_of(tuple(flags), index.row.keywords)
        return mask

    def _recount(self, index, **changes):
        index.row = index.row._replace(
            highest_modseq=self.modseq,
            messages=len(index.uids),
            unseen=sum(1 for mask in index.masks if not mask & SEEN),
            deleted=sum(1 for mask in index.masks if mask & DELETED),
            octets=sum(kept.message.size for kept in self.kept[index.row.mailbox_id].values()),
            **changes,
        )

    def _place(self, index, kept, mask, modseq, source=0):
        uid = index.row.uid_next
        index.uids.append(uid)
        index.masks.append(mask)
        index.modseqs.append(modseq)
        self.kept[index.row.mailbox_id][uid] = kept
        self._recount(index, uid_next=uid + 1)
        index.log(Change(modseq, What.ADDED, index.row.mailbox_id, (uid,), (kept.email_id,)))
        return Placed(source, index.row.mailbox_id, uid, kept.email_id, b"T" * 16)

    def _Add(self, op):
        index = self.indexes[op.mailbox_id]
        octets = sum(one.row.octets for one in self.indexes.values())
        if self.quota is not None and octets + op.message.size > self.quota:
            raise OverQuota("full")
        email_id = self._next_email.to_bytes(16, "big")
        self._next_email += 1
        kept = Kept(op.message, email_id, op.internal_date, op.internal_offset)
        placed = self._place(index, kept, self._mask(index, op.flags), self._step())
        return OpResult(placed=(placed,), mailbox_id=op.mailbox_id, uid_validity=index.row.uid_validity)

    def _named_uids(self, index, ranges):
        return [uid for uid in index.uids if any(low <= uid <= high for low, high in ranges)]

    def _SetFlags(self, op):
        if op.mailbox_id not in self.indexes:
            raise NotFound("no mailbox")
        index = self.indexes[op.mailbox_id]
        wish = self._mask(index, op.flags)
        done, modified, changed = [], [], []
        modseq = self.modseq + 1
        for uid in self._named_uids(index, op.uids):
            i = index.position_of(uid)
            if op.unchanged_since is not None and index.modseqs[i] > op.unchanged_since:
                modified.append(uid)
                continue
            old = index.masks[i]
            new = {"add": old | wish, "remove": old & ~wish, "replace": wish}[op.how]
            done.append(uid)
            if new != old:
                index.masks[i], index.modseqs[i] = new, modseq
                changed.append(uid)
        if changed:
            self._step()
            index.log(Change(modseq, What.FLAGS, op.mailbox_id, tuple(changed)))
            self._recount(index)
        return OpResult(done=tuple(done), modified=tuple(modified))

    def _remove(self, index, uids):
        modseq = self._step()
        gone = set(uids)
        keep = [i for i, uid in enumerate(index.uids) if uid not in gone]
        index.uids, index.masks, index.modseqs = (
            array("I", [index.uids[i] for i in keep]),
            array("Q", [index.masks[i] for i in keep]),
            array("Q", [index.modseqs[i] for i in keep]),
        )
        for uid in gone:
            del self.kept[index.row.mailbox_id][uid]
        index.log(Change(modseq, What.EXPUNGED, index.row.mailbox_id, tuple(uids)))
        self._recount(index)

    def _Expunge(self, op):
        index = self.indexes[op.mailbox_id]
        uids = self._named_uids(index, op.uids)
        if op.only_deleted:
            uids = [uid for uid in uids if index.masks[index.position_of(uid)] & DELETED]
        if uids:
            self._remove(index, uids)
        return OpResult(done=tuple(uids))

    def _Copy(self, op, remove=False):
        source, target = self.indexes[op.mailbox_id], self.indexes[op.target]
        uids = self._named_uids(source, op.uids)
        modseq = self._step()
        placed = []
        for uid in uids:
            names = list(_names(source, uid))
            kept = self.kept[op.mailbox_id][uid]
            placed.append(self._place(target, kept, self._mask(target, names), modseq, uid))
        if remove and uids:
            self._remove(source, uids)
        return OpResult(
            placed=tuple(placed), mailbox_id=op.target, uid_validity=target.row.uid_validity, done=tuple(uids)
        )

    def _Move(self, op):
        return self._Copy(op, remove=True)

    def _PutMailbox(self, op):
        names = {index.row.name: index for index in self.indexes.values()}
        modseq = self._step()
        if op.name is not None and op.name in names:
            raise AlreadyExists(op.name)
        if op.mailbox_id is None:
            mailbox_id = self._next_mailbox
            self._next_mailbox += 1
            row = MailboxRow(
                mailbox_id,
                op.name,
                7000 + mailbox_id,
                1,
                modseq,
                0,
                0,
                0,
                0,
                0,
                1,
                (),
                op.special_use or (),
                bool(op.subscribed),
                modseq,
            )
            self.indexes[mailbox_id] = MailboxIndex(row, array("I"), array("Q"), array("Q"))
            self.kept[mailbox_id] = {}
            return OpResult(mailbox_id=mailbox_id, uid_validity=row.uid_validity)
        index = self.indexes[op.mailbox_id]
        old = index.row.name
        if op.name is not None:
            for child in self.indexes.values():
                if child.row.name.startswith(old + "/"):
                    child.row = child.row._replace(name=op.name + child.row.name[len(old) :])
            index.row = index.row._replace(name=op.name)
        if op.subscribed is not None:
            index.row = index.row._replace(subscribed=op.subscribed)
        return OpResult(mailbox_id=op.mailbox_id)

    def _DropMailbox(self, op):
        index = self.indexes.pop(op.mailbox_id, None)
        if index is None:
            raise NotFound("no mailbox")
        index.gone = True
        del self.kept[op.mailbox_id]
        self._step()
        return OpResult()

    def _TakeRecent(self, op):
        index = self.indexes[op.mailbox_id]
        was = index.row.recent_from
        index.row = index.row._replace(recent_from=index.row.uid_next)
        return OpResult(recent_from=was)

    def _PutAttribute(self, op):
        if op.value is None:
            self.named.pop(op.name, None)
        else:
            self.named[op.name] = op.value
        return OpResult()


def _names(index, uid):
    from mailserverd.model.flags import names_of

    return names_of(index.masks[index.position_of(uid)], index.row.keywords)
