"""The preview (RFC 8970): the first words that a reader would see, at most 256 characters, UTF-8.

Only the beginning of the first text is decoded, so that its cost does not grow with the message.
"""

import re

from mailserverd.wire.mime.charsets import decode_charset
from mailserverd.wire.mime.content import decode_octets
from mailserverd.wire.mime.html import text_of_html
from mailserverd.wire.mime.structure import BASE64, IDENTITY, LEAF
from mailserverd.wire.mime.tree import Entity

MAX_CHARACTERS = 256  # RFC 8970 §3: MUST NOT exceed
_PLAIN_OCTETS = 1_200
_FIRST_OCTETS = 320
_HTML_OCTETS = 16_384
# ASCII without NUL, and without the escapes of ISO-2022
_is_plain = re.compile(rb"[^\x00\x1b\x80-\xff]*+\Z").match


def make_preview(root: Entity, octets: bytes) -> bytes:
    """The preview of the first text/plain, or of the first text/html where no plain text says anything."""
    if root.facts.kind == LEAF:
        return _preview_of(root, octets) if root.facts.media == b"text" else b""
    plain, marked_up = _first_texts(root)
    preview = _preview_of(plain, octets) if plain is not None else b""
    return preview or (_preview_of(marked_up, octets) if marked_up is not None else b"")


def _first_texts(root: Entity) -> tuple[Entity | None, Entity | None]:
    marked_up: Entity | None = None
    pending = [root]
    while pending:
        entity = pending.pop()
        facts = entity.facts
        if facts.kind != LEAF:
            pending.extend(reversed(entity.children))
        elif facts.media == b"text" and facts.disposition != b"attachment" and entity.end > entity.body_start:
            if facts.subtype == b"plain":
                return entity, marked_up
            if facts.subtype == b"html" and marked_up is None:
                marked_up = entity
    return None, marked_up


def _preview_of(entity: Entity, octets: bytes) -> bytes:
    facts, start = entity.facts, entity.body_start
    is_html = facts.subtype == b"html"
    if facts.encoding == IDENTITY and not is_html:
        head = octets[start : min(entity.end, start + _FIRST_OCTETS)]
        if _is_plain(head):
            words = b" ".join(head.split())
            if len(words) >= MAX_CHARACTERS or start + _FIRST_OCTETS >= entity.end:
                return words[:MAX_CHARACTERS].rstrip()
    stop = min(entity.end, start + (_HTML_OCTETS if is_html else _PLAIN_OCTETS))
    head = octets[start:stop]
    if facts.encoding == BASE64 and stop < entity.end:
        head = head[: head.rfind(b"\n") + 1] or head
    text = decode_charset(decode_octets(head, facts.encoding), facts.charset)
    if is_html:
        text = text_of_html(text)
    return shorten(text)


def shorten(text: str) -> bytes:
    """White space and controls as single spaces, cut at the limit; a character that was cut in two is dropped."""
    words = " ".join(text.replace("\x00", " ").rstrip("\ufffd").split())
    return words[:MAX_CHARACTERS].rstrip().encode("utf-8", "replace")
