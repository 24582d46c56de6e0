"""DKIM signatures on a message (RFC 6376, RFC 8301, RFC 8463), relaxed/relaxed, of any number of keys.

Standing rules: the body is hashed once for all of them, and the header once but for each signature's own field; what
readers see is signed once more than it stands there, so that nothing can be put beside it (RFC 6376 §8.15).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

from mailserverd.wire.authentication.canonical import parted, relaxed_body, relaxed_field, selected, stacks_of
from mailserverd.wire.authentication.signature_field import signed_field, unsigned_field
from mailserverd.wire.authentication.signing_key import SigningKey

# RFC 6376 §5.4.1. Signed whether or not they stand there, and one time more.
OVERSIGNED = (
    b"from", b"reply-to", b"subject", b"date", b"to", b"cc", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
# Signed where they stand: lists add some of these of their own, which breaks nothing.
SIGNED = (
    b"sender", b"content-id", b"content-description", b"content-disposition", b"content-language",
    b"resent-date", b"resent-from", b"resent-sender", b"resent-to", b"resent-cc", b"resent-message-id",
    b"list-id", b"list-help", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe", b"list-post",
    b"list-owner", b"list-archive", b"feedback-id", b"auto-submitted",
)  # fmt: skip
_WANTED = frozenset(OVERSIGNED + SIGNED)
_MOST_OF_ONE = 20  # a name that stands there more often is signed so often, which is bounded and no lie


def signature_fields(message: bytes, keys: Sequence[SigningKey], now: int) -> bytes:
    """What is put on top of the message: a DKIM-Signature of each key."""
    header, body = parted(message)
    stacks = stacks_of(header, _WANTED)
    names = signed_names(stacks)
    body_hash = b64encode(sha256(relaxed_body(body)).digest())
    hashed = sha256(b"".join(map(relaxed_field, selected(stacks, names))))
    listed, out = b":".join(names), []
    for key in keys:
        unsigned = unsigned_field(b"DKIM-Signature", _tags(key, listed, body_hash, now))
        whole = hashed.copy()
        whole.update(relaxed_field(unsigned)[:-2])  # RFC 6376 §3.7: without its CRLF
        out.append(signed_field(unsigned, key.sign(whole.digest())))
    return b"".join(out)


def signed_names(stacks: Mapping[bytes, Sequence[bytes]]) -> list[bytes]:
    """The h= list. stacks: the fields by name."""
    names: list[bytes] = []
    for name in OVERSIGNED:
        names += [name] * (min(len(stacks.get(name, ())), _MOST_OF_ONE) + 1)
    for name in SIGNED:
        if name in stacks:
            names += [name] * min(len(stacks[name]), _MOST_OF_ONE)
    return names


def _tags(key: SigningKey, names: bytes, body_hash: bytes, now: int) -> list[tuple[bytes, bytes]]:
    return [
        (b"v", b"1"),
        (b"a", key.algorithm.encode()),
        (b"c", b"relaxed/relaxed"),
        (b"d", key.domain.encode()),
        (b"s", key.selector.encode()),
        (b"t", b"%d" % now),
        (b"h", names),
        (b"bh", body_hash),
    ]
