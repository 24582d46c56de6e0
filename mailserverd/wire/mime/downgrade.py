"""A message in a form that a less able server takes: 8-bit and binary parts as quoted-printable or base64.

Standing rules: each part decodes to the octets that it held; header fields stay as they are, but for the encoding's
own; containers are never encoded (RFC 2045 §6.4), only what they hold; a signature that covers what would change, over
the message, over one within it, or over parts (RFC 1847), makes the whole CannotConvert: it is never broken.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from mailserverd.wire.mime.headers import fields_end
from mailserverd.wire.mime.limits import MimeLimits
from mailserverd.wire.mime.structure import IDENTITY, LEAF, MULTIPART
from mailserverd.wire.mime.transfer import base64_lines, escapes, quoted_printable
from mailserverd.wire.mime.tree import Entity, read_tree

MAX_LINE_OCTETS = 998  # RFC 5321 §4.5.3.1.6, RFC 2045 §2.7
_HUGE = 1 << 40
_LIMITS = MimeLimits(parts=50_000, header_octets=_HUGE, part_header_octets=_HUGE)

_encoding_field = re.compile(rb"^Content-Transfer-Encoding[ \t]*:([^\n]*\n(?:[ \t][^\n]*\n)*)", re.I | re.M)
_type_field = re.compile(rb"^Content-Type[ \t]*:[ \t\r\n]*([^\s;/]*/?[^\s;]*)", re.I | re.M)
_version_field = re.compile(rb"^MIME-Version[ \t]*:", re.I | re.M)
_signature_field = re.compile(rb"^(?:DKIM-Signature|DomainKey-Signature|ARC-Message-Signature)[ \t]*:", re.I | re.M)
_bare = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0")
_long_line = re.compile(rb"[^\n]{%d}" % (MAX_LINE_OCTETS + 2))
_NOT_ASCII = bytes(octet if octet < 128 else ord("?") for octet in range(256))


class CannotConvert(Exception):
    """Not without breaking it; the text says why, for the sender."""


class _Edit(NamedTuple):
    start: int
    end: int
    octets: bytes


def fitted(octets: bytes, declared: str, form: str) -> bytes:
    """`octets`, declared as "7BIT", "8BITMIME" or "BINARYMIME", for a peer that takes `form`. Raises CannotConvert.

    A message that fits comes back as the same object. Takes time with the size of the message: not for the reactor's
    thread where it is large.
    """
    if form == "BINARYMIME" or (form == "8BITMIME" and declared != "BINARYMIME"):
        return octets
    if declared != "BINARYMIME" and octets.isascii():
        return octets
    return _Conversion(octets, declared, form).result()


class _Conversion:
    def __init__(self, octets: bytes, declared: str, form: str) -> None:
        self._octets = octets
        self._binary = declared == "BINARYMIME"
        self._seven = form == "7BIT"
        self._edits: list[_Edit] = []
        self._labels: list[tuple[Entity, bytes]] = []

    def result(self) -> bytes:
        root, _ = read_tree(self._octets, _LIMITS)
        entities = list(_all(root))
        for entity in entities:
            if entity.facts.kind == LEAF:
                self._leaf(entity)
            else:
                self._container(entity)
        for entity, encoding in self._labels:  # what a label says too much harms less than a broken signature
            with suppress(CannotConvert):
                self._relabel(entity, encoding)
        if not self._edits:
            return self._octets
        if len(entities) >= _LIMITS.parts:
            raise CannotConvert("the message has too many parts to be converted")
        return self._joined()

    def _joined(self) -> bytes:
        pieces: list[bytes] = []
        at = 0
        for edit in sorted(self._edits):
            pieces += (self._octets[at : edit.start], edit.octets)
            at = edit.end
        pieces.append(self._octets[at:])
        return b"".join(pieces)

    def _header(self, entity: Entity) -> bytes:
        return self._octets[entity.header_start : entity.body_start]

    def _leaf(self, entity: Entity) -> None:
        header, body = self._header(entity), self._octets[entity.body_start : entity.end]
        said = _said(header)
        if self._fits(body):
            if said == b"binary" or (said == b"8bit" and self._seven):
                self._labels.append((entity, b"7bit" if body.isascii() else b"8bit"))
            return
        kind = _type_field.search(header)
        written = kind[1].lower() if kind else b""
        composite = written.startswith((b"multipart/", b"message/")) and not written.startswith(b"message/global-")
        if composite or entity.facts.encoding != IDENTITY:
            raise CannotConvert("a part of the message holds what its type or its encoding does not allow")
        encoding, encoded = _encoded(body, entity.facts.media == b"text")
        if entity.end == len(self._octets):
            encoded = _ended(encoding, encoded)
        self._relabel(entity, encoding)
        self._edits.append(_Edit(entity.body_start, entity.end, encoded))

    def _container(self, entity: Entity) -> None:
        """Its own encoding says what it holds (RFC 2045 §6.4); what stands between its parts is nobody's content."""
        said = _said(self._header(entity))
        if said == b"binary" or (said == b"8bit" and self._seven):
            self._labels.append((entity, b"7bit" if self._seven else b"8bit"))
        if entity.facts.kind == MULTIPART and self._seven:
            for start, end in _gaps(entity):
                gap = self._octets[start:end]
                if not gap.isascii():
                    if not entity.facts.delimiter.isascii():
                        raise CannotConvert("a boundary in the message is not ASCII")
                    self._change(entity, _Edit(start, end, gap.translate(_NOT_ASCII)))

    def _fits(self, body: bytes) -> bool:
        if self._seven and not body.isascii():
            return False
        return not self._binary or (_bare.search(body) is None and _long_line.search(body) is None)

    def _relabel(self, entity: Entity, encoding: bytes) -> None:
        header = self._header(entity)
        end = fields_end(header)
        fields, rest = header[:end], header[end:]
        field = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
        found = _encoding_field.search(fields)
        if found:
            fields = fields[: found.start()] + field + _encoding_field.sub(b"", fields[found.end() :])
        else:
            fields += field if not fields or fields.endswith(b"\n") else b"\r\n" + field
        if entity.values is not None and not _version_field.search(fields):  # before MIME: 8-bit text of no charset
            if not _type_field.search(fields):
                fields += b"Content-Type: text/plain; charset=unknown-8bit\r\n"  # RFC 1428 §3
            fields += b"MIME-Version: 1.0\r\n"
        self._change(entity, _Edit(entity.header_start, entity.body_start, fields + (rest or b"\r\n")))

    def _change(self, entity: Entity, edit: _Edit) -> None:
        """Unless a signature covers it."""
        at: Entity | None = entity
        while at is not None:
            if at.facts.kind == MULTIPART and at.facts.subtype == b"signed":  # RFC 1847 §2.1
                raise CannotConvert("the message is signed, and the signature would break")
            if at.values is not None and _signature_field.search(self._header(at)):
                raise CannotConvert("the message has a DKIM signature, which would break")
            at = at.parent
        self._edits.append(edit)


def _all(root: Entity) -> Iterator[Entity]:
    waiting = [root]
    while waiting:
        entity = waiting.pop()
        yield entity
        waiting += entity.children


def _gaps(entity: Entity) -> Iterator[tuple[int, int]]:
    at = entity.body_start
    for child in entity.children:
        yield at, child.header_start
        at = child.end
    yield at, entity.end


def _said(header: bytes) -> bytes:
    found = _encoding_field.search(header)
    return found[1].strip(b" \t\r\n").lower() if found else b""


def _encoded(body: bytes, text: bool) -> tuple[bytes, bytes]:
    """Quoted-printable for text of which most can be read as it stands."""
    if text and b"\0" not in body and 4 * escapes(body) <= len(body):
        return b"quoted-printable", quoted_printable(body)
    return b"base64", base64_lines(body)


def _ended(encoding: bytes, encoded: bytes) -> bytes:
    """At the end of the message, where DATA would add a line end that is no part of the content."""
    if encoding == b"base64":
        return encoded + b"\r\n"
    return encoded if encoded.endswith(b"\r\n") else encoded + b"=\r\n"
