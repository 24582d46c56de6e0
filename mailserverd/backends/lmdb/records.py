"""Records as they lie in the store, and back.

Standing rules: a row is a fixed head with lengths, then the parts in the order of Fields, so that one part is one
slice; what changes (flags, modseq) is never in a row; a Struct below gains fields only at its end, with defaults.
"""

import struct

import msgspec

from mailserverd.model.identifiers import MailboxId, ModSeq, Uid
from mailserverd.model.mailbox import AccountState, MailboxRow
from mailserverd.model.message import MessageRow, NewMessage, SortKeys, ThreadKeys


class AccountRecord(msgspec.Struct, array_like=True):
    """mark: no early acknowledgement has a modseq above it. boot: the run of the server that wrote last.
    version: commits so far. changes_floor: history up to here is forgotten; changes: how many steps are kept.
    oldest_keys: the week of the oldest result of a keyed commit, or an earlier one; 0: there was none yet."""

    modseq: int
    mark: int
    boot: int
    version: int
    octets: int
    messages: int
    next_mailbox: int
    mailboxes: int
    changes_floor: int = 0
    changes: int = 0
    oldest_keys: int = 0

    def state(self, quota: int | None) -> AccountState:
        return AccountState(ModSeq(self.modseq), self.octets, self.messages, quota)


class MailboxRecord(msgspec.Struct, array_like=True):
    """MailboxRow, and: tail_page: the uid in the key of the last state page (0: none); expunges as changes above."""

    mailbox_id: int
    name: str
    uid_validity: int
    uid_next: int
    highest_modseq: int
    messages: int
    unseen: int
    deleted: int
    octets: int
    deleted_octets: int
    recent_from: int
    keywords: tuple[str, ...]
    special_use: tuple[str, ...]
    subscribed: bool
    created_modseq: int
    tail_page: int = 0
    expunge_floor: int = 0
    expunges: int = 0

    def row(self) -> MailboxRow:
        return MailboxRow(
            MailboxId(self.mailbox_id),
            self.name,
            self.uid_validity,
            Uid(self.uid_next),
            ModSeq(self.highest_modseq),
            self.messages,
            self.unseen,
            self.deleted,
            self.octets,
            self.deleted_octets,
            Uid(self.recent_from),
            self.keywords,
            self.special_use,
            self.subscribed,
            ModSeq(self.created_modseq),
        )


encoded = msgspec.msgpack.Encoder().encode
decoded_account = msgspec.msgpack.Decoder(AccountRecord).decode
decoded_mailbox = msgspec.msgpack.Decoder(MailboxRecord).decode
_sort_keys = msgspec.msgpack.Decoder(SortKeys).decode
_thread_keys = msgspec.msgpack.Decoder(ThreadKeys).decode

ROW = struct.Struct(">16s16sqhqQBIIIIII")
_HEAD = ROW.size
_META = struct.Struct(">16s16sqhqQ?")
_SAVED_AT = struct.Struct(">16s16sqh").size


def packed_row(
    message: NewMessage, email_id: bytes, thread_id: bytes, internal_date: int, internal_offset: int, save_date: int
) -> bytes:
    sort, thread = encoded(message.sort_keys), encoded(message.thread_keys)
    return b"".join(
        (
            ROW.pack(
                email_id,
                thread_id,
                internal_date,
                internal_offset,
                save_date,
                message.size,
                message.has_attachment,
                len(message.envelope),
                len(message.body_structure),
                len(message.part_map),
                len(message.preview),
                len(sort),
                len(thread),
            ),
            message.envelope,
            message.body_structure,
            message.part_map,
            message.preview,
            sort,
            thread,
        )
    )


def saved_at(row: bytes, save_date: int) -> bytes:
    """The row of a copy made at save_date."""
    return row[:_SAVED_AT] + save_date.to_bytes(8, signed=True) + row[_SAVED_AT + 8 :]


def size_of(row: bytes) -> int:
    return int.from_bytes(row[_SAVED_AT + 8 : _SAVED_AT + 16])


def thread_keys_of(row: bytes) -> ThreadKeys:
    return _thread_keys(row[len(row) - ROW.unpack_from(row)[-1] :])


def unpacked_row(
    uid: int,
    row: bytes,
    want: int,
    header: bytes = b"",
    header_index: bytes = b"",
    header_octets: int = 0,
    octets: bytes | None = None,
) -> MessageRow:
    """The parts wanted of a row (the numbers are those of Fields), with what was found in the content."""
    if not want & 0b11110110:
        return tuple.__new__(
            MessageRow,
            (
                uid, *_META.unpack_from(row), b"", b"", header, header_index, b"", b"", None, None, octets,
                header_octets,
            ),
        )  # fmt: skip
    email, thread, date, offset, saved, size, attached, a, b, c, d, e, f = ROW.unpack_from(row)
    at = _HEAD
    envelope = structure = parts = preview = b""
    sort = threads = None
    if want & 2:
        envelope = row[at : at + a]
    if want & 0b11110100:
        at += a
        if want & 4:
            structure = row[at : at + b]
        at += b
        if want & 16:
            parts = row[at : at + c]
        at += c
        if want & 32:
            preview = row[at : at + d]
        at += d
        if want & 64:
            sort = _sort_keys(row[at : at + e])
        if want & 128:
            threads = _thread_keys(row[at + e : at + e + f])
    return tuple.__new__(
        MessageRow,
        (
            uid, email, thread, date, offset, saved, size, attached != 0, envelope, structure,
            header, header_index, parts, preview, sort, threads, octets, header_octets,
        ),
    )  # fmt: skip
