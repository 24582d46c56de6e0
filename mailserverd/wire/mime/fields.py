"""Content-Type, Content-Disposition, Content-Transfer-Encoding, Content-Language (RFC 2045, 2183, 3282) as values.

Values stay the octets of the message; RFC 2231 pieces stay apart, as BODYSTRUCTURE sends them so. Comments are
skipped; what senders get wrong (bare spaces in values, missing quotes, empty parameters) is read as they meant it.
"""

import re

from mailserverd.wire.mime.addresses import unquoted

Parameters = tuple[tuple[bytes, bytes], ...]

_TOKEN = rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]++"
_usual_type = re.compile(rb"[ \t\r\n]*+(%b)/(%b)[ \t\r\n]*+(?:;|\Z)" % (_TOKEN, _TOKEN)).match
_usual_parameters = re.compile(
    rb'[ \t\r\n;]*+(%b)[ \t]*=[ \t\r\n]*+(?:"([^"\\\r\n]*)"|([^\x00-\x20()"\\;]++))[ \t\r\n]*+(?:;|\Z)' % _TOKEN
).match
_token = re.compile(_TOKEN).match
# type "/" subtype after comments are gone; some write spaces around the slash
_loose_type = re.compile(rb"\s*(%b)\s*/\s*(%b)" % (_TOKEN, _TOKEN)).match
_loose_parameter = re.compile(
    rb'[\s;]*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)\\?+(?:"|\Z)[^;]*+|([^;]*+))', re.DOTALL
).match
_skip_to_semicolon = re.compile(rb'[\s;]*+(?:[^;"]++|"(?:[^"\\]|\\.)*+\\?+(?:"|\Z))*+', re.DOTALL).match
_pieces = re.compile(rb'"(?:[^"\\]|\\.)*+\\?+(?:"|\Z)|[^"()\\]++|\\.|[()"\\]', re.DOTALL).finditer
_fold = re.compile(rb"\r?\n(?=[ \t])").sub
_language = re.compile(rb"[A-Za-z0-9*-]++").findall
_MAX_PARAMETERS = 256


def without_comments(value: bytes) -> bytes:
    """The value with each comment (RFC 5322 §3.2.2, they nest) as one space; quoted strings are kept whole."""
    if b"(" not in value:
        return value
    out: list[bytes] = []
    depth = 0
    for found in _pieces(value):
        piece = found[0]
        if piece == b"(":
            depth += 1
            if depth == 1:
                out.append(b" ")
        elif piece == b")" and depth:
            depth -= 1
        elif not depth:
            out.append(piece)
    # A bracket that never closes is no comment.
    return b"".join(out) if not depth else value


def parse_content_type(value: bytes) -> tuple[bytes, bytes, Parameters] | None:
    """Type, subtype and parameters; None when the syntax is wrong: the default counts then (RFC 2045 §5.2)."""
    found = _usual_type(value)
    if found is None:
        value = without_comments(value)
        found = _loose_type(value)
        if found is None:
            return None
    return found[1], found[2], _parameters(value, found.end())


def parse_disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """Disposition type and parameters (RFC 2183); None when there is no type."""
    value = without_comments(value).lstrip(b" \t\r\n")
    found = _token(value)
    return None if found is None else (found[0], _parameters(value, found.end()))


def _parameters(value: bytes, position: int) -> Parameters:
    out: list[tuple[bytes, bytes]] = []
    end = len(value)
    while position < end and len(out) < _MAX_PARAMETERS:
        found = _usual_parameters(value, position)
        if found is None:
            return tuple(out) + _loose_parameters(without_comments(value[position:]), _MAX_PARAMETERS - len(out))
        quoted = found[2]
        out.append((found[1], found[3] if quoted is None else quoted))
        position = found.end()
    return tuple(out)


def _loose_parameters(value: bytes, room: int) -> Parameters:
    out: list[tuple[bytes, bytes]] = []
    position, end = 0, len(value)
    while position < end and len(out) < room:
        found = _loose_parameter(value, position)
        if found is None:
            skipped = _skip_to_semicolon(value, position)
            position = (skipped.end() if skipped else position) + 1
            continue
        name, quoted, bare = found.groups()
        out.append((name, unquoted(quoted) if bare is None else _fold(b"", bare).strip(b" \t\r\n")))
        position = found.end()
    return tuple(out)


def parameter(parameters: Parameters, name: bytes) -> bytes | None:
    """The first parameter of this name, which is given in lower case."""
    for key, value in parameters:
        if key == name or key.lower() == name:
            return value
    return None


def parse_encoding(value: bytes) -> bytes | None:
    """The encoding as it is written; None when it is no token."""
    value = without_comments(value).strip(b" \t\r\n;")
    if len(value) > 2 and value[:1] == value[-1:] == b'"':
        value = value[1:-1]
    found = _token(value)
    return found[0] if found is not None and found.end() == len(value) else None


def parse_languages(value: bytes) -> list[bytes]:
    """The language tags of Content-Language."""
    return _language(without_comments(value))
