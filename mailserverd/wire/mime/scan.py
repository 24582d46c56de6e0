"""scan: everything that will be asked about a message, from one pass over its octets. It never raises."""

from typing import NamedTuple

from mailserverd.model.message import SortKeys, ThreadKeys
from mailserverd.wire.mime.addresses import AddressList
from mailserverd.wire.mime.attachments import Attachment, attachments_of
from mailserverd.wire.mime.bodies import body_structure
from mailserverd.wire.mime.dates import parse_date
from mailserverd.wire.mime.envelope import make_envelope
from mailserverd.wire.mime.headers import DATE, IN_REPLY_TO, MESSAGE_ID, REFERENCES, SUBJECT, Values
from mailserverd.wire.mime.limits import DEFAULT_LIMITS, MimeLimits
from mailserverd.wire.mime.message_ids import message_id, references
from mailserverd.wire.mime.preview import make_preview
from mailserverd.wire.mime.structure import LEAF, facts_of_header
from mailserverd.wire.mime.subject import base_subject
from mailserverd.wire.mime.tree import fill_empty, pack_parts, read_tree


class ScannedMessage(NamedTuple):
    """body_start: length of the header block with its empty line. The rest as in model/message.py NewMessage."""

    body_start: int
    header_index: bytes
    part_map: bytes
    envelope: bytes
    body_structure: bytes
    preview: bytes
    attachments: tuple[Attachment, ...]
    sort_keys: SortKeys
    thread_keys: ThreadKeys


def scan(octets: bytes, limits: MimeLimits = DEFAULT_LIMITS) -> ScannedMessage:
    """The message understood, once."""
    root, header_index = read_tree(octets, limits)
    facts, values = root.facts, root.values
    if facts.kind != LEAF:
        fill_empty(root, facts_of_header(b"", False, False, 0))
    assert values is not None
    envelope, author, to, cc = make_envelope(values)
    sort_keys, thread_keys = _keys(values, author, to, cc)
    is_plain = facts.kind == LEAF and facts.media == b"text"
    return ScannedMessage(
        root.body_start,
        header_index,
        pack_parts(root),
        envelope,
        body_structure(root, octets),
        make_preview(root, octets),
        () if is_plain and not facts.disposition else attachments_of(root),
        sort_keys,
        thread_keys,
    )


def _keys(values: Values, author: AddressList, to: AddressList, cc: AddressList) -> tuple[SortKeys, ThreadKeys]:
    subject, is_reply = base_subject(values[SUBJECT])
    folded = (subject.lower() if subject.isascii() else subject.casefold()).encode("utf-8", "replace")
    date = values[DATE]
    sent = parse_date(date) if date is not None else None
    return (
        SortKeys(
            folded,
            None if sent is None else sent.epoch,
            author.mailbox,
            to.mailbox,
            cc.mailbox,
            author.display,
            to.display,
        ),
        ThreadKeys(
            message_id(values[MESSAGE_ID]),
            references(values[REFERENCES], values[IN_REPLY_TO]),
            folded,
            is_reply,
        ),
    )
