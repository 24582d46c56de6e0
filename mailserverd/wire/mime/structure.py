"""What the Content-* fields of one entity say, in the form in which BODYSTRUCTURE says it (RFC 9051 §7.5.2).

Facts depend on the fields alone, so that the common ones are made once and remembered. Where a text has no charset
parameter ("charset" "us-ascii") is said (RFC 2046 §4.1.2), as the peers do and clients expect.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from mailserverd.wire.mime import headers
from mailserverd.wire.mime.decode import decode_parameter
from mailserverd.wire.mime.fields import (
    Parameters,
    parameter,
    parse_content_type,
    parse_disposition,
    parse_encoding,
    parse_languages,
)
from mailserverd.wire.mime.headers import Values, unfolded
from mailserverd.wire.mime.quoting import nstring, string

LEAF, MULTIPART, MESSAGE = 0, 1, 2
IDENTITY, BASE64, QUOTED_PRINTABLE, UUENCODE, UNKNOWN = range(5)
_ENCODINGS = {
    b"7bit": IDENTITY,
    b"8bit": IDENTITY,
    b"binary": IDENTITY,
    b"base64": BASE64,
    b"quoted-printable": QUOTED_PRINTABLE,
    b"x-uuencode": UUENCODE,
    b"uuencode": UUENCODE,
    b"x-uue": UUENCODE,
}


class Facts(NamedTuple):
    """kind, encoding: see the constants; media, subtype: in lower case; disposition: in lower case, or empty.

    head, tail: BODYSTRUCTURE of a leaf or a message before and after what is counted; of a multipart after its parts.
    delimiter: "--" and the boundary of a multipart.
    """

    kind: int
    media: bytes
    subtype: bytes
    encoding: int
    charset: bytes | None
    disposition: bytes
    name: str | None
    delimiter: bytes
    head: bytes
    tail: bytes


MimeFields = tuple[bytes | None, ...]  # CONTENT_TYPE .. CONTENT_LOCATION in the order of their codes

_TEXT_PLAIN = (b"text", b"plain", ())
_MESSAGE_RFC822 = (b"message", b"rfc822", ())
_OCTET_STREAM = (b"application", b"octet-stream", ())
_NO_FIELDS: MimeFields = (None,) * 8
_CACHED_OCTETS = 300
_find_fields = re.compile(
    rb"^Content-(Type|Transfer-Encoding|ID|Description|MD5|Disposition|Language|Location)[ \t]*:"
    rb"([^\n]*+(?:\n[ \t][^\n]*+)*+)",
    re.MULTILINE | re.IGNORECASE,
).findall
_SLOTS = {
    name: slot
    for slot, name in enumerate(
        (b"type", b"transfer-encoding", b"id", b"description", b"md5", b"disposition", b"language", b"location")
    )
}


def facts_of_values(values: Values, digest: bool, opaque: bool, max_boundary: int) -> Facts:
    """The facts of an entity whose whole header was read."""
    fields = tuple(values[headers.CONTENT_TYPE :])
    if sum(map(len, filter(None, fields))) <= _CACHED_OCTETS:
        return _cached_facts(fields, digest, opaque, max_boundary)
    return _make_facts(fields, digest, opaque, max_boundary)


def facts_of_header(header: bytes, digest: bool, opaque: bool, max_boundary: int) -> Facts:
    """The facts of a body part. digest: it stands in a multipart/digest; opaque: it must be a leaf."""
    if len(header) <= _CACHED_OCTETS:
        return _cached_header_facts(header, digest, opaque, max_boundary)
    return _header_facts(header, digest, opaque, max_boundary)


def _header_facts(header: bytes, digest: bool, opaque: bool, max_boundary: int) -> Facts:
    found = _find_fields(header)
    if not found:
        return _cached_facts(_NO_FIELDS, digest, opaque, max_boundary)
    fields: list[bytes | None] = [None] * 8
    for name, value in found:
        slot = _SLOTS[name.lower()]
        if fields[slot] is None:
            fields[slot] = value
    return _make_facts(tuple(fields), digest, opaque, max_boundary)


def _make_facts(fields: MimeFields, digest: bool, opaque: bool, max_boundary: int) -> Facts:
    content_type, encoding_value, disposition_value = fields[0], fields[1], fields[5]
    parsed = parse_content_type(content_type) if content_type is not None else None
    if parsed is None:
        # RFC 2046 §5.1.5: within a digest the default is message/rfc822, but only where nothing is said
        parsed = _MESSAGE_RFC822 if digest and content_type is None else _TEXT_PLAIN
    media, subtype, parameters = parsed[0].lower(), parsed[1].lower(), parsed[2]
    kind, delimiter = LEAF, b""
    if media == b"multipart":
        boundary = _boundary(parameters, max_boundary)
        if boundary and not opaque:
            kind, delimiter = MULTIPART, b"--" + boundary
        else:
            # RFC 2046 §5.1.1 requires the parameter; without it the field is invalid: RFC 2045 §5.2 says text/plain
            parsed = _OCTET_STREAM if boundary else _TEXT_PLAIN
    elif media == b"message" and subtype in (b"rfc822", b"global"):  # RFC 9051 §7.5.2 media-message
        if opaque:
            parsed = _OCTET_STREAM
        else:
            kind = MESSAGE
    if parsed is _OCTET_STREAM or parsed is _TEXT_PLAIN:
        media, subtype, parameters = parsed
    encoding_name = parse_encoding(encoding_value) if encoding_value is not None else None
    disposition = parse_disposition(disposition_value) if disposition_value is not None else None
    return Facts(
        kind,
        media,
        subtype,
        IDENTITY if encoding_name is None else _ENCODINGS.get(encoding_name.lower(), UNKNOWN),
        parameter(parameters, b"charset"),
        disposition[0].lower() if disposition else b"",
        _name(parameters, disposition),
        delimiter,
        b"" if kind == MULTIPART else _head(parsed, parameters, encoding_name, fields),
        _tail(kind, parsed, parameters, disposition, fields),
    )


_cached_facts = lru_cache(maxsize=1024)(_make_facts)
_cached_header_facts = lru_cache(maxsize=1024)(_header_facts)


def _boundary(parameters: Parameters, max_boundary: int) -> bytes:
    boundary = parameter(parameters, b"boundary")
    if boundary is None:
        # RFC 2231 pieces are allowed for any parameter, and some do send a boundary so.
        text = decode_parameter(parameters, b"boundary")
        boundary = text.encode("utf-8", "replace") if text else b""
    boundary = boundary.rstrip(b" \t")  # RFC 2046 §5.1.1: bcharsnospace at the end
    return boundary if len(boundary) <= max_boundary and b"\n" not in boundary else b""


def _name(parameters: Parameters, disposition: tuple[bytes, Parameters] | None) -> str | None:
    """The file name: of Content-Disposition (RFC 2183 §2.3) or else the old "name" of Content-Type."""
    name = decode_parameter(disposition[1], b"filename") if disposition and disposition[1] else None
    return name or (decode_parameter(parameters, b"name") if parameters else None)


def _head(
    parsed: tuple[bytes, bytes, Parameters], parameters: Parameters, encoding: bytes | None, fields: MimeFields
) -> bytes:
    media, subtype = parsed[0], parsed[1]
    if media.lower() == b"text" and parameter(parameters, b"charset") is None:
        parameters = (*parameters, (b"charset", b"us-ascii"))
    return b"(%b %b %b %b %b %b" % (
        string(media),
        string(subtype),
        _parameter_list(parameters),
        _text(fields[2]),
        _text(fields[3]),
        string(encoding or b"7bit"),
    )


def _tail(
    kind: int,
    parsed: tuple[bytes, bytes, Parameters],
    parameters: Parameters,
    disposition: tuple[bytes, Parameters] | None,
    fields: MimeFields,
) -> bytes:
    """body-ext-mpart with the subtype before it, or body-ext-1part."""
    if kind == MULTIPART:
        first = b"%b %b" % (string(parsed[1]), _parameter_list(parameters))
    else:
        first = _text(fields[4])
    shown = b"NIL" if disposition is None else b"(%b %b)" % (string(disposition[0]), _parameter_list(disposition[1]))
    return b" %b %b %b %b)" % (first, shown, _language_list(fields[6]), _text(fields[7]))


def _parameter_list(parameters: Parameters) -> bytes:
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join(b"%b %b" % (string(name), string(value)) for name, value in parameters)


def _text(value: bytes | None) -> bytes:
    return nstring(unfolded(value)) if value is not None else b"NIL"


def _language_list(value: bytes | None) -> bytes:
    languages = parse_languages(value) if value is not None else []
    return b"(%b)" % b" ".join(map(string, languages)) if languages else b"NIL"
