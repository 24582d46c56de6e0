"""The outbound queue as it lies in the store: all of it below "Q".

e id            EntryRecord                            p id 00 position(4)   RecipientRecord: waiting or held
k id            Standing, of more than one recipient   z id 00 position(4)   RecipientRecord: in the error queue
b id            body                                   d id 00 position(4)   RecipientRecord: delivered
f id            blob id of a large body                j id                  Job: what is not whole yet
r destination 00 priority(1) tag(8) id 00 position(4)  never tried, in the order of serving
w destination 00 due(8) priority(1) id 00 position(4)  to be tried again, or later
m destination   due(8) recipients(8) in r and w        n due(8) destination  for who looks what is due
c state(1) bucket(4) class                             recipients(8) oldest(8)

Standing rules: the record of a recipient names its place in r or w; a Struct gains fields only at its end, with
defaults; what m says of `due` may be too early, never too late, and `claim` puts it right.
"""

import struct

import msgspec

from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import FINAL, QueuedRecipient, QueueEntry, State, Tried

ENTRY, STANDING, BODY, BLOB, JOB = b"Qe", b"Qk", b"Qb", b"Qf", b"Qj"
OPEN, ERROR, DELIVERED = b"Qp", b"Qz", b"Qd"
FAMILIES = (OPEN, ERROR, DELIVERED)
READY, WAITING_UNTIL, DESTINATION, NEXT, COUNT = b"Qr", b"Qw", b"Qm", b"Qn", b"Qc"
MAX_DESTINATION_OCTETS = 255
MAX_ID_OCTETS = 100

PAIR = struct.Struct(">QQ")
_PLACE = struct.Struct(">BQ")
_DUE = struct.Struct(">QB")
_STATE_LETTERS = dict(zip(State, (b"u", b"i", b"t", b"h", b"d", b"f", b"x", b"s"), strict=True))
_STATE_OF = {letter: state for state, letter in _STATE_LETTERS.items()}
_FINE, _COARSE = 300, 86_400


class EntryRecord(msgspec.Struct, array_like=True, frozen=True):
    """QueueEntry, and how many recipients it was accepted for."""

    queue_id: str
    sender: str
    account_id: int | None
    mail_class: str
    created: int
    expires: int
    size: int
    message_id: str
    body: str
    smtputf8: bool
    require_tls: bool
    ret: str
    envid: str
    priority: int
    deliver_by: int
    by_mode: str
    recipients: int
    forwarded: bool = False


class RecipientRecord(msgspec.Struct, array_like=True):
    """QueuedRecipient without what the key says. place: its key in r or w, or nothing."""

    address: str
    destination: str
    state: str
    next_attempt: int
    attempts: int = 0
    last_status: str = ""
    last_reply: str = ""
    notify: str = ""
    orcpt: str = ""
    told_delay: bool = False
    finished: int = 0
    history: list[tuple[int, str, str, str]] = []
    place: bytes = b""


class Standing(msgspec.Struct, array_like=True):
    """Of the recipients of one entry: how many wait or are held, are in the error queue, are delivered."""

    open: int
    errors: int = 0
    delivered: int = 0


class Job(msgspec.Struct, array_like=True):
    """kind: "remove" everything of the entry, or "place" recipients from this position on in r or w."""

    kind: str
    position: int
    recipients: int


encoded = msgspec.msgpack.Encoder().encode
decoded_entry = msgspec.msgpack.Decoder(EntryRecord).decode
decoded_recipient = msgspec.msgpack.Decoder(RecipientRecord).decode
decoded_standing = msgspec.msgpack.Decoder(Standing).decode
decoded_job = msgspec.msgpack.Decoder(Job).decode


def entry_record(entry: QueueEntry, recipients: int) -> EntryRecord:
    return EntryRecord(
        entry.queue_id, entry.sender, entry.account_id, entry.mail_class, entry.created, entry.expires, entry.size,
        entry.message_id, entry.body, entry.smtputf8, entry.require_tls, entry.ret, entry.envid, entry.priority,
        entry.deliver_by, entry.by_mode, recipients, entry.forwarded,
    )  # fmt: skip


def entry_of(record: EntryRecord) -> QueueEntry:
    account = None if record.account_id is None else AccountId(record.account_id)
    return QueueEntry(
        record.queue_id, record.sender, account, record.mail_class, record.created, record.expires, record.size,
        record.message_id, record.body, record.smtputf8, record.require_tls, record.ret, record.envid,
        record.priority, record.deliver_by, record.by_mode, record.forwarded,
    )  # fmt: skip


def recipient_record(recipient: QueuedRecipient, place: bytes = b"") -> RecipientRecord:
    return RecipientRecord(
        recipient.address, recipient.destination, recipient.state.value, recipient.next_attempt, recipient.attempts,
        recipient.last_status, recipient.last_reply, recipient.notify, recipient.orcpt, recipient.told_delay,
        recipient.finished, [(each.at, each.where, each.status, each.reply) for each in recipient.history], place,
    )  # fmt: skip


def recipient_of(queue_id: str, position: int, record: RecipientRecord, state: State) -> QueuedRecipient:
    history = tuple(Tried(*each) for each in record.history) if record.history else ()
    return QueuedRecipient(
        queue_id, position, record.address, record.destination, state, record.next_attempt, record.attempts,
        record.last_status, record.last_reply, record.notify, record.orcpt, record.told_delay, record.finished,
        history,
    )  # fmt: skip


# Keys.


def name_of(queue_id: str) -> bytes:
    return queue_id.encode("ascii", "replace")


def place_name(name: bytes, position: int) -> bytes:
    return name + b"\0" + position.to_bytes(4)


def named(key: bytes) -> tuple[bytes, int]:
    """The id and position at the end of a key of any of p, z, d, r, w, whose beginning was cut off."""
    return key[:-5], int.from_bytes(key[-4:])


def ready_key(destination: bytes, priority: int, tag: int, suffix: bytes) -> bytes:
    return b"".join((READY, destination, b"\0", _PLACE.pack(9 - priority, tag), suffix))


def waiting_key(destination: bytes, due: int, priority: int, suffix: bytes) -> bytes:
    return b"".join((WAITING_UNTIL, destination, b"\0", _DUE.pack(max(0, due), 9 - priority), suffix))


def destination_in(place: bytes) -> bytes:
    return place[2 : place.index(b"\0")]


def ready_parts(rest: bytes) -> tuple[int, int, bytes]:
    """9 - priority, tag and the rest: of a key of r after its destination."""
    return (*_PLACE.unpack_from(rest), rest[_PLACE.size :])


def waiting_parts(rest: bytes) -> tuple[int, int, bytes]:
    """due, 9 - priority and the rest: of a key of w after its destination."""
    return (*_DUE.unpack_from(rest), rest[_DUE.size :])


def family_of(state: State) -> bytes:
    if state not in FINAL:
        return OPEN
    return DELIVERED if state is State.DELIVERED else ERROR


def count_key(state: State, mail_class: str, created: int) -> bytes:
    bucket = created // (_COARSE if state in FINAL else _FINE)
    return COUNT + _STATE_LETTERS[state] + bucket.to_bytes(4) + mail_class.encode("utf-8", "replace")[:300]


def counted_by(key: bytes) -> tuple[State, str]:
    return _STATE_OF[key[2:3]], key[7:].decode("utf-8", "replace")
