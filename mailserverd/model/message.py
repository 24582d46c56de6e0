"""A message as it enters the store (NewMessage) and as it is read from it (MessageRow).

Everything that a reader will ask for is made once, by wire/mime/record.py, when the message arrives.
"""

import enum
from typing import NamedTuple

from mailserverd.model.identifiers import BlobId, EmailId, ModSeq, ThreadId, Uid


class SortKeys(NamedTuple):
    """RFC 5256 §3 sort keys, UTF-8, case-folded. sent_at: seconds since the epoch, or None when undatable."""

    base_subject: bytes
    sent_at: int | None
    from_mailbox: bytes
    to_mailbox: bytes
    cc_mailbox: bytes
    from_display: bytes
    to_display: bytes


class ThreadKeys(NamedTuple):
    """What THREAD and thread ids are built from (RFC 5256 §3): message ids without <>, oldest reference first."""

    message_id: bytes
    references: tuple[bytes, ...]
    base_subject: bytes
    is_reply: bool


class InlineSegment(NamedTuple):
    """Octets of the message as they came."""

    octets: bytes


class BlobSegment(NamedTuple):
    """`length` octets of the message, kept as the blob `blob_id`.

    line_octets = 0: the blob is those octets. Otherwise the blob is the decoded content: base64 in lines of
    `line_octets` characters, each but the last ended by CRLF, gives the octets back exactly.
    """

    blob_id: BlobId
    length: int
    line_octets: int
    ends_with_crlf: bool


Segment = InlineSegment | BlobSegment


class NewMessage(NamedTuple):
    """What an Add carries. All byte strings are in the form in which they will be sent.

    size            octets of the whole message (RFC822.SIZE)
    header          the header block with its final empty line
    header_index    packed field offsets into header, see wire/mime/headers.py
    part_map        packed part offsets into the message, see wire/mime/parts.py
    envelope        RFC 9051 ENVELOPE, from "(" to ")"
    body_structure  RFC 9051 BODYSTRUCTURE, from "(" to ")"
    body            BODY without extension data, from "(" to ")"; empty where it is derived on demand
    preview         RFC 8970, UTF-8
    segments        together, in order, exactly the octets of the message
    """

    size: int
    header: bytes
    header_index: bytes
    part_map: bytes
    envelope: bytes
    body_structure: bytes
    preview: bytes
    has_attachment: bool
    sort_keys: SortKeys
    thread_keys: ThreadKeys
    segments: tuple[Segment, ...]


class Fields(enum.IntFlag):
    """What a reader wants of each row; the rest is left empty and costs nothing."""

    META = 1  # uid, email_id, thread_id, internal_date, save_date, size, has_attachment: always filled
    ENVELOPE = 2
    STRUCTURE = 4  # body_structure
    HEADER = 8  # header, as far as HEADER_ROW_OCTETS, header_index and header_octets
    PARTS = 16  # part_map
    PREVIEW = 32
    SORT = 64  # sort_keys
    THREAD = 128  # thread_keys
    OCTETS = 256  # the whole message, where it has at most INLINE_READ_OCTETS; otherwise None: read it by ranges


INLINE_READ_OCTETS = 262_144
HEADER_ROW_OCTETS = 262_144  # what lies beyond is read by ranges
PAGE_OCTETS = 1_048_576  # with the row that passes it a page of rows ends


class MessageRow(NamedTuple):
    """One placement of a message in a mailbox. Flags and modseq are not here: they are in the MailboxIndex.

    internal_date, save_date: seconds since the epoch (UTC); internal_offset: minutes east of UTC to show it in.
    header_octets: length of the whole header block, of which `header` is the beginning.
    """

    uid: Uid
    email_id: EmailId
    thread_id: ThreadId
    internal_date: int
    internal_offset: int
    save_date: int
    size: int
    has_attachment: bool
    envelope: bytes
    body_structure: bytes
    header: bytes
    header_index: bytes
    part_map: bytes
    preview: bytes
    sort_keys: SortKeys | None
    thread_keys: ThreadKeys | None
    octets: bytes | None
    header_octets: int

    @property
    def header_is_whole(self) -> bool:
        return self.header_octets == len(self.header)


class Placement(NamedTuple):
    """Where a message lies: a copy in another mailbox has the same email_id and a placement of its own."""

    mailbox_id: int
    uid: int


class Expunged(NamedTuple):
    """An entry of the expunge log (RFC 7162 §3.2.10 VANISHED; JMAP "destroyed")."""

    mailbox_id: int
    uid: Uid
    email_id: EmailId
    modseq: ModSeq
