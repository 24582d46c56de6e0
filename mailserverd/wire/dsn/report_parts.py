"""The parts of an incoming multipart/report (RFC 6522): the machine's part, the returned message, the words for people.

Standing rules: never raises, whatever the octets; looks only into what is large enough for a real report; a report that
is inside a returned message is not looked at.
"""

import re
from typing import NamedTuple

from mailserverd.wire.mime.content import decode_octets
from mailserverd.wire.mime.limits import MimeLimits
from mailserverd.wire.mime.message_ids import message_id
from mailserverd.wire.mime.structure import MESSAGE, MULTIPART
from mailserverd.wire.mime.tree import Entity, read_tree

MAX_REPORT_OCTETS = 2 * 1024 * 1024
MAX_FIELDS_OCTETS = 1024 * 1024
MAX_WORDS = 20_000
MAX_FIELDS = 20_000

_LIMITS = MimeLimits(depth=8, parts=64, header_fields=400)
_field = re.compile(rb"^([!-9;-~]{1,76})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE).finditer
_blank_lines = re.compile(rb"\n[ \t]*(?:\r?\n[ \t]*)+").split
_space = re.compile(r"\s+").sub
_message_id_field = re.compile(rb"^message-id[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE | re.IGNORECASE).search

Fields = list[tuple[str, str]]


class ReportParts(NamedTuple):
    """kind: subtype of the machine's part, "" where there is none; fields: that part. returned: header of the message
    that the report is about, at most; words: the beginning of what is written for people."""

    kind: str
    fields: bytes
    returned: bytes
    words: str


def report_parts(octets: bytes, kinds: frozenset[bytes]) -> ReportParts:
    """kinds: the subtypes of message/ that are machine's parts here."""
    octets = octets[:MAX_REPORT_OCTETS]
    root, _ = read_tree(octets, _LIMITS)
    kind, fields, returned, words = "", b"", b"", ""
    for entity in _leaves(root):
        media, subtype = entity.facts.media, entity.facts.subtype
        if media == b"message" and subtype in kinds and not kind:
            kind, fields = subtype.decode("ascii", "replace"), _content(octets, entity)[:MAX_FIELDS_OCTETS]
        elif entity.facts.kind == MESSAGE and not returned and entity.children:
            returned = octets[entity.children[0].header_start : entity.children[0].body_start]
        elif subtype in (b"rfc822-headers", b"global-headers", b"rfc822") and not returned:
            returned = _header_of(_content(octets, entity))
        elif media == b"text" and subtype in (b"plain", b"html") and not words:
            words = _content(octets, entity)[:MAX_WORDS].decode("utf-8", "replace")
    return ReportParts(kind, fields, returned, words)


def _leaves(root: Entity) -> list[Entity]:
    """All parts that are no multipart, in order, none of those inside a message within."""
    found: list[Entity] = []
    pending = [root]
    while pending:
        entity = pending.pop()
        if entity.facts.kind == MULTIPART:
            pending.extend(reversed(entity.children))
        else:
            found.append(entity)
    return found


def _content(octets: bytes, entity: Entity) -> bytes:
    return decode_octets(octets[entity.body_start : entity.end], entity.facts.encoding)


def _header_of(content: bytes) -> bytes:
    for end in (b"\r\n\r\n", b"\n\n"):
        at = content.find(end)
        if at >= 0:
            return content[: at + len(end)]
    return content


def field_blocks(octets: bytes) -> list[Fields]:
    """Fields by blocks that an empty line parts; names in lower case, values unfolded, in order."""
    blocks: list[Fields] = []
    room = MAX_FIELDS
    for block in _blank_lines(octets.replace(b"\r\n", b"\n")):
        fields = [(found[1].decode("ascii").lower(), _value(found[2])) for found in _field(block)][:room]
        room -= len(fields)
        if fields:
            blocks.append(fields)
        if room <= 0:
            break
    return blocks


def _value(octets: bytes) -> str:
    return _space(" ", octets[:4000].decode("utf-8", "replace")).strip()


def first(fields: Fields, name: str) -> str:
    return next((value for each, value in fields if each == name), "")


def message_id_of(returned: bytes) -> str:
    """Of a returned header, without angle brackets."""
    found = _message_id_field(returned)
    return message_id(found[1].strip()).decode("utf-8", "replace") if found is not None else ""


_utf8_escape = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}").sub


def typed_address(value: str) -> str:
    """The address of "rfc822; a@b" (RFC 3464 §2.1.2), without comments and brackets; "" where it is of no use."""
    kind, semicolon, address = value.partition(";")
    if not semicolon:
        address = kind
    elif kind.strip().lower() not in {"rfc822", "utf-8", "smtp", ""}:
        return ""
    address = _utf8_escape(_scalar, address.strip())  # RFC 6533 §3 utf-8-addr-xtext
    if address.startswith("<") and ">" in address:
        address = address[1 : address.index(">")]
    address = address.partition(" ")[0]
    return address if "@" in address and address.isprintable() and len(address) <= 500 else ""


def _scalar(found: "re.Match[str]") -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
