"""ENVELOPE (RFC 9051 §7.5.2) out of the fields of a header."""

from mailserverd.wire.mime.addresses import EMPTY, AddressList, read_list
from mailserverd.wire.mime.headers import (
    BCC,
    CC,
    DATE,
    FROM,
    IN_REPLY_TO,
    MESSAGE_ID,
    REPLY_TO,
    SENDER,
    SUBJECT,
    TO,
    Values,
    unfolded,
)
from mailserverd.wire.mime.quoting import string


def make_envelope(values: Values) -> tuple[bytes, AddressList, AddressList, AddressList]:
    """The ENVELOPE, and the lists of From, To and Cc for the sort keys.

    A Sender or Reply-To that is absent or empty is the From (RFC 9051 §7.5.2). Date, Subject, In-Reply-To and
    Message-ID are NIL when absent, and the empty string when they are there but empty.
    """
    author = _addresses(values[FROM])
    sender = _addresses(values[SENDER])
    reply_to = _addresses(values[REPLY_TO])
    to = _addresses(values[TO])
    cc = _addresses(values[CC])
    envelope = b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _text(values[DATE]),
        _text(values[SUBJECT]),
        author.wire,
        author.wire if sender is EMPTY else sender.wire,
        author.wire if reply_to is EMPTY else reply_to.wire,
        to.wire,
        cc.wire,
        _addresses(values[BCC]).wire,
        _text(values[IN_REPLY_TO]),
        _text(values[MESSAGE_ID]),
    )
    return envelope, author, to, cc


def _addresses(value: bytes | None) -> AddressList:
    return EMPTY if value is None else read_list(value)


def _text(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(unfolded(value))
