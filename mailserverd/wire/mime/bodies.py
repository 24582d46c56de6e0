"""BODYSTRUCTURE and BODY (RFC 9051 §7.5.2) of a part tree."""

import re

from mailserverd.wire.mime.envelope import make_envelope
from mailserverd.wire.mime.headers import Values
from mailserverd.wire.mime.structure import LEAF, MESSAGE, MULTIPART
from mailserverd.wire.mime.tree import Entity

_NO_VALUES: Values = [None] * 32


def body_structure(root: Entity, octets: bytes) -> bytes:
    """BODYSTRUCTURE, extension data included."""
    facts = root.facts
    if facts.kind == LEAF:
        return _leaf(root, octets.count(b"\n", root.body_start, root.end) if facts.media == b"text" else 0)
    return _structure(root, octets, _lines_before(root, octets) if _holds_message(root) else {})


def _holds_message(root: Entity) -> bool:
    order = [root]
    for entity in order:
        if entity.facts.kind == MESSAGE:
            return True
        order += entity.children
    return False


def _lines_before(root: Entity, octets: bytes) -> dict[int, int]:
    """For each offset where something counted begins or ends, the line ends before it: each octet is counted once,
    however deep messages lie in messages."""
    offsets: set[int] = set()
    order = [root]
    for entity in order:
        if entity.facts.kind == MESSAGE or entity.facts.media == b"text":
            offsets.add(entity.body_start)
            offsets.add(entity.end)
        order += entity.children
    lines: dict[int, int] = {}
    total = last = 0
    for offset in sorted(offsets):
        total += octets.count(b"\n", last, offset)
        lines[offset] = total
        last = offset
    return lines


def _structure(entity: Entity, octets: bytes, lines: dict[int, int]) -> bytes:
    """lines: see above, or empty where no part lies in another that counts too. Recursion ends with the tree."""
    facts = entity.facts
    if facts.kind == MULTIPART:
        return b"(%b%b" % (b"".join([_structure(child, octets, lines) for child in entity.children]), facts.tail)
    start, end = entity.body_start, entity.end
    if facts.kind == LEAF:
        if facts.media != b"text":
            return _leaf(entity, 0)
        return _leaf(entity, lines[end] - lines[start] if lines else octets.count(b"\n", start, end))
    message = entity.children[0]
    return b"%b %d %b %b %d%b" % (
        facts.head,
        end - start,
        make_envelope(message.values or _NO_VALUES)[0],
        _structure(message, octets, lines),
        lines[end] - lines[start],
        facts.tail,
    )


def _leaf(entity: Entity, lines: int) -> bytes:
    facts = entity.facts
    octets = entity.end - entity.body_start
    if facts.media == b"text":
        return b"%b %d %d%b" % (facts.head, octets, lines, facts.tail)
    return b"%b %d%b" % (facts.head, octets, facts.tail)


_literal = re.compile(rb"\{(\d+)\}\r\n").match
_token = re.compile(rb'"(?:[^"\\]|\\.)*+"|[^ ()"{]++', re.DOTALL).match

_Item = bytes | list["_Item"]


def body_of(structure: bytes) -> bytes:
    """BODY: the same without extension data, from a stored BODYSTRUCTURE."""
    return _without_extension(_read_items(structure)[0])


def _read_items(text: bytes) -> list[_Item]:
    """The parenthesized list as nested lists of items that are already as they are sent."""
    top: list[_Item] = []
    stack = [top]
    position, end = 0, len(text)
    while position < end:
        octet = text[position]
        if octet == 0x28:  # (
            inner: list[_Item] = []
            stack[-1].append(inner)
            stack.append(inner)
            position += 1
        elif octet == 0x29:  # )
            stack.pop()
            position += 1
        elif octet == 0x20:
            position += 1
        else:
            position = _read_string(text, position, stack[-1])
    return top


def _read_string(text: bytes, position: int, into: list[_Item]) -> int:
    literal = _literal(text, position)
    if literal is not None:
        stop = literal.end() + int(literal[1])
    else:
        token = _token(text, position)
        stop = token.end() if token is not None else len(text)
    into.append(text[position:stop])
    return stop


def _without_extension(body: _Item) -> bytes:
    if isinstance(body, bytes):
        return body
    parts = [item for item in body if isinstance(item, list)] if body and isinstance(body[0], list) else []
    if parts and len(parts) < len(body):
        count = next(place for place, item in enumerate(body) if isinstance(item, bytes))
        return b"(%b %b)" % (b"".join(map(_without_extension, body[:count])), _plain(body[count]))
    media, subtype = _plain(body[0]).lower(), _plain(body[1]).lower()
    if media == b'"text"':
        kept = body[:8]
    elif media == b'"message"' and subtype in (b'"rfc822"', b'"global"') and len(body) > 9:
        return b"(%b %b %b)" % (
            b" ".join(map(_plain, body[:8])),
            _without_extension(body[8]),
            _plain(body[9]),
        )
    else:
        kept = body[:7]
    return b"(%b)" % b" ".join(map(_plain, kept))


def _plain(item: _Item) -> bytes:
    """An item as it was; addresses of an envelope follow each other without a space (RFC 9051 §9 env-from)."""
    if isinstance(item, bytes):
        return item
    between = b"" if item and all(isinstance(inner, list) for inner in item) else b" "
    return b"(%b)" % between.join(map(_plain, item))
