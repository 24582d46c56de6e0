"""What a reader would call the attachments of a message (RFC 8621 §4.1.4, the algorithm there for bodies)."""

from typing import NamedTuple

from mailserverd.wire.mime.structure import LEAF, MULTIPART, Facts
from mailserverd.wire.mime.tree import Entity

_SHOWN_MEDIA = frozenset((b"image", b"audio", b"video"))
_SIGNATURES = frozenset((b"pgp-signature", b"pkcs7-signature", b"x-pkcs7-signature"))


class Attachment(NamedTuple):
    """number: the section number; size: octets as encoded in the message."""

    number: tuple[int, ...]
    media_type: bytes
    name: str | None
    size: int


def attachments_of(root: Entity) -> tuple[Attachment, ...]:
    """Every part that is offered to be saved rather than shown, in order."""
    out: list[Attachment] = []
    pending: list[tuple[Entity, tuple[int, ...], int]] = [(root, (), 0)]
    while pending:
        entity, number, place = pending.pop()
        facts = entity.facts
        if facts.kind == MULTIPART:
            pending.extend(
                (child, (*number, index + 1), index) for index, child in reversed(list(enumerate(entity.children)))
            )
        elif _is_attachment(entity, facts, place):
            media_type = facts.media + b"/" + facts.subtype
            out.append(Attachment(number or (1,), media_type, facts.name, entity.end - entity.body_start))
    return tuple(out)


def _is_attachment(entity: Entity, facts: Facts, place: int) -> bool:
    if facts.disposition == b"attachment":
        return True
    within = entity.parent.facts.subtype if entity.parent is not None else b""
    if facts.kind == LEAF and facts.media == b"text" and facts.subtype in (b"plain", b"html"):
        return place > 0 and bool(facts.name) and within != b"related"
    if facts.media in _SHOWN_MEDIA:
        return facts.disposition != b"inline" and within != b"related" and bool(facts.name or entity.parent)
    if within == b"alternative" and facts.media == b"text":
        return bool(facts.disposition == b"" and facts.name and facts.subtype != b"calendar")
    return facts.subtype not in _SIGNATURES
