"""Whether the ARC chain of a message holds (RFC 8617 §5.2), given the records of the keys that it names.

Standing rule: anything that is not as it must be fails the chain; nothing is raised.
"""

import re
from binascii import Error as BinasciiError
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from mailserverd.wire.authentication.arc import ArcSet, chained
from mailserverd.wire.authentication.canonical import (
    parted,
    relaxed_body,
    relaxed_field,
    selected,
    simple_body,
    simple_field,
    stacks_of,
)
from mailserverd.wire.authentication.public_key import BadKey, read_public_key, unbase64
from mailserverd.wire.authentication.tag_list import BadTags, parse_tags

Records = Mapping[str, bytes]
_MESSAGE_TAGS = (b"i", b"a", b"b", b"bh", b"d", b"h", b"s")
_SEAL_TAGS = (b"i", b"a", b"b", b"cv", b"d", b"s")
_HEADERS: dict[bytes, Callable[[bytes], bytes]] = {b"relaxed": relaxed_field, b"simple": simple_field}
_BODIES: dict[bytes, Callable[[bytes], bytes]] = {b"relaxed": relaxed_body, b"simple": simple_body}
_signature = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_time = re.compile(rb"[0-9]{1,12}").fullmatch
_name = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*").fullmatch


class _Fails(Exception):
    pass


def key_names(chain: Sequence[ArcSet]) -> list[str]:
    """Where the keys are: of every seal, and of the last message signature. Fewer where a field cannot be read."""
    names: dict[str, None] = {}
    for octets in (chain[-1].message, *(each.seal for each in chain)) if chain else ():
        try:
            names[_key_name(parse_tags(_value(octets)))] = None
        except (BadTags, _Fails):
            continue
    return list(names)


def holds(message: bytes, chain: Sequence[ArcSet], records: Records) -> bool:
    """chain: not empty. records: by name, those that there are."""
    try:
        for instance, each in enumerate(chain, 1):
            cv = parse_tags(_value(each.seal)).get(b"cv", b"").lower()
            if cv != (b"none" if instance == 1 else b"pass"):  # §5.2 steps 2 and 3C
                return False
        _message_signature(message, chain[-1], len(chain), records)
        for instance in range(len(chain), 0, -1):
            _seal(chain[:instance], records)
    except (_Fails, BadTags, BadKey, BinasciiError):
        return False
    return True


def _message_signature(message: bytes, last: ArcSet, instance: int, records: Records) -> None:
    tags = _tags(last.message, _MESSAGE_TAGS, instance)
    header_form, _, body_form = tags.get(b"c", b"simple/simple").partition(b"/")
    header_form, body_form = header_form.lower(), (body_form or b"simple").lower()
    if header_form not in _HEADERS or body_form not in _BODIES:
        raise _Fails
    header, body = parted(message)
    if sha256(_BODIES[body_form](body)).digest() != unbase64(tags[b"bh"]):
        raise _Fails
    names = [b"".join(each.split()).lower() for each in tags[b"h"].split(b":")]
    if b"arc-seal" in names:  # §4.1.2
        raise _Fails
    form = _HEADERS[header_form]
    fields = [form(each) for each in selected(stacks_of(header, frozenset(names)), names)]
    _verify(tags, [*fields, form(_unsigned(last.message))], records)


def _seal(chain: Sequence[ArcSet], records: Records) -> None:
    last = chain[-1]
    tags = _tags(last.seal, _SEAL_TAGS, len(chain))
    if b"h" in tags:  # §4.1.3
        raise _Fails
    before = chained(chain[:-1])
    own = [relaxed_field(each) for each in (last.results, last.message, _unsigned(last.seal))]
    _verify(tags, [before, *own], records)


def _tags(octets: bytes, needed: Sequence[bytes], instance: int) -> dict[bytes, bytes]:
    tags = parse_tags(_value(octets))
    if not all(tags.get(each) for each in needed) or tags[b"i"] != b"%d" % instance:
        raise _Fails
    if b"t" in tags and _time(tags[b"t"]) is None:
        raise _Fails
    return tags


def _verify(tags: Mapping[bytes, bytes], pieces: Sequence[bytes], records: Records) -> None:
    record = records.get(_key_name(tags))
    if record is None:
        raise _Fails
    key = read_public_key(record)
    if tags[b"a"].lower() != f"{key.kind}-sha256".encode():
        raise _Fails
    if not key.verifies(unbase64(tags[b"b"]), sha256(b"".join(pieces)[:-2]).digest()):
        raise _Fails


def _key_name(tags: Mapping[bytes, bytes]) -> str:
    domain, selector = tags.get(b"d", b""), tags.get(b"s", b"")
    if _name(domain) is None or _name(selector) is None:
        raise _Fails
    return f"{selector.decode()}._domainkey.{domain.decode()}".lower()


def _value(octets: bytes) -> bytes:
    return octets.partition(b":")[2]


def _unsigned(octets: bytes) -> bytes:
    """The field with an empty b= (RFC 6376 §3.7)."""
    name, colon, value = octets.partition(b":")
    ends = b"\r\n" if value.endswith(b"\r\n") else b""
    return name + colon + _signature.sub(rb"\1", value.removesuffix(b"\r\n"), count=1) + ends
