"""ARC sets for forwarded mail (RFC 8617): what was found out, a signature of the message, a seal over the chain.

Standing rules: the chain is never made longer than 50, nor where it is broken in itself; whether the sets that are
there hold (cv) is said by the caller, who asked the DNS.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from mailserverd.wire.authentication.canonical import (
    Field,
    fields_of,
    parted,
    relaxed_body,
    relaxed_field,
    selected,
    stacks_of,
)
from mailserverd.wire.authentication.dkim import OVERSIGNED, SIGNED
from mailserverd.wire.authentication.signature_field import signed_field, unsigned_field
from mailserverd.wire.authentication.signing_key import SigningKey

RESULTS, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
_KINDS = (RESULTS, MESSAGE, SEAL)
MAX_SETS = 50  # RFC 8617 §4.2.1
_instance = re.compile(rb"(?:^|;)[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,4})[ \t\r\n]*(?:;|\Z)").search


class BrokenChain(ValueError):
    """The sets of the message are not one of each kind from 1 on (RFC 8617 §5.2, step 3)."""


class ArcSet(NamedTuple):
    results: bytes
    message: bytes
    seal: bytes


def chain_of(fields: Sequence[Field]) -> list[ArcSet]:
    """The sets of a message, instance 1 first. Raises BrokenChain."""
    found: dict[tuple[int, bytes], bytes] = {}
    highest = 0
    for name, octets in fields:
        if name in _KINDS:
            stated = _instance(octets.partition(b":")[2])
            instance = int(stated[1]) if stated else 0
            if not 0 < instance <= MAX_SETS or (instance, name) in found:
                raise BrokenChain("an instance that cannot be")
            found[instance, name] = octets
            highest = max(highest, instance)
    if len(found) != highest * len(_KINDS):
        raise BrokenChain("a set that is not whole")
    return [ArcSet(*(found[instance, kind] for kind in _KINDS)) for instance in range(1, highest + 1)]


def seal_fields(message: bytes, key: SigningKey, results: bytes, cv: bytes, now: int) -> bytes:
    """The next set, for the top of the message. results: "authserv-id; method=..." (RFC 8601), its lines folded.

    cv: b"none", b"pass" or b"fail", of the sets that are there. Raises BrokenChain, also where there is no room.
    """
    header, body = parted(message)
    fields = fields_of(header)
    chain = chain_of(fields)
    instance = len(chain) + 1
    if instance > MAX_SETS or (cv == b"none") is not (instance == 1):
        raise BrokenChain("no further set can be made")
    number = b"%d" % instance
    found = b"ARC-Authentication-Results: i=%b; %b\r\n" % (number, results)
    stacks = stacks_of(header, _SEALED)
    names = sealed_names(stacks)
    hashed = sha256(b"".join(map(relaxed_field, selected(stacks, names))))
    body_hash = b64encode(sha256(relaxed_body(body)).digest())
    tags = [*_tags(key, number, now), (b"c", b"relaxed/relaxed"), (b"h", b":".join(names)), (b"bh", body_hash)]
    unsigned = unsigned_field(b"ARC-Message-Signature", tags)
    hashed.update(relaxed_field(unsigned)[:-2])
    signature = signed_field(unsigned, key.sign(hashed.digest()))
    unsealed = unsigned_field(b"ARC-Seal", [*_tags(key, number, now), (b"cv", cv)])
    sealed = sha256(chained(chain if cv != b"fail" else []))  # RFC 8617 §5.1.2: of a failed chain, this set alone
    sealed.update(b"".join(map(relaxed_field, (found, signature, unsealed)))[:-2])
    return signed_field(unsealed, key.sign(sealed.digest())) + signature + found


def sealed_names(stacks: Mapping[bytes, Sequence[bytes]]) -> list[bytes]:
    """The h= list: what a reader sees, and the signatures of others (RFC 8617 §4.1.2); never ARC's own fields."""
    return [name for name in stacks for _ in stacks[name]][:_MOST]


_SEALED = frozenset((*OVERSIGNED, *SIGNED, b"dkim-signature"))
_MOST = 200


def _tags(key: SigningKey, instance: bytes, now: int) -> list[tuple[bytes, bytes]]:
    return [
        (b"i", instance),
        (b"a", key.algorithm.encode()),
        (b"d", key.domain.encode()),
        (b"s", key.selector.encode()),
        (b"t", b"%d" % now),
    ]


def chained(chain: Sequence[ArcSet]) -> bytes:
    """RFC 8617 §5.1.1: results, message signature, seal of each set, the first one first."""
    return b"".join(relaxed_field(each) for arc_set in chain for each in arc_set)
