"""BODY out of the stored BODYSTRUCTURE: the same without extension data (RFC 9051 §6.4.5).

Standing rules: the text is our own and well formed; values are copied as they are, found by their ends.
"""

import re

# A quoted string, a parenthesis or a literal's length; what lies between are atoms and spaces.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[()]|\{(\d+)\}\r\n', re.DOTALL)
_ATOM = re.compile(rb"[^ ()]+")
_BASIC_VALUES, _TEXT_VALUES, _MESSAGE_VALUES = 7, 8, 10


def body_of(structure: bytes) -> bytes:
    """BODY of a BODYSTRUCTURE, from "(" to ")"."""
    return _body(structure, 0)[0]


def _body(text: bytes, pos: int) -> tuple[bytes, int]:
    """The body at `pos` without extension data, and where it ends with it."""
    inside, end = _multipart(text, pos + 1) if text[pos + 1 : pos + 2] == b"(" else _single(text, pos + 1)
    return b"(%b)" % inside, _closed(text, end)


def _multipart(text: bytes, pos: int) -> tuple[bytes, int]:
    """body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]"""
    bodies = []
    while text[pos : pos + 1] == b"(":
        body, pos = _body(text, pos)
        bodies.append(body)
    start = pos
    end = _value_end(text, start + 1)
    return b"".join(bodies) + text[start:end], end


def _single(text: bytes, pos: int) -> tuple[bytes, int]:
    """body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]"""
    values: list[bytes] = []
    wanted = _BASIC_VALUES
    while len(values) < wanted and text[pos : pos + 1] != b")":
        if wanted == _MESSAGE_VALUES and len(values) == 8 and text[pos : pos + 1] == b"(":
            value, end = _body(text, pos)
        else:
            end = _value_end(text, pos)
            value = text[pos:end]
        values.append(value)
        pos = end + 1 if text[end : end + 1] == b" " else end
        if len(values) == 2:
            wanted = _count(values[0].upper(), values[1].upper())
    return b" ".join(values), pos


def _count(kind: bytes, subtype: bytes) -> int:
    if kind == b'"TEXT"':
        return _TEXT_VALUES
    if kind == b'"MESSAGE"' and subtype in (b'"RFC822"', b'"GLOBAL"'):
        return _MESSAGE_VALUES
    return _BASIC_VALUES


def _value_end(text: bytes, pos: int) -> int:
    """Where the string, list or atom at `pos` ends."""
    token = _TOKEN.match(text, pos)
    if token is None:
        atom = _ATOM.match(text, pos)
        return atom.end() if atom else pos + 1
    if token[1] is not None:
        return token.end() + int(token[1])
    return _closed(text, token.end()) if token[0] == b"(" else token.end()


def _closed(text: bytes, pos: int) -> int:
    """Behind the parenthesis that closes the list we are in."""
    depth = 1
    while depth:
        token = _TOKEN.search(text, pos)
        if token is None:
            return len(text)
        pos = token.end()
        if token[1] is not None:
            pos += int(token[1])
        elif token[0] == b"(":
            depth += 1
        elif token[0] == b")":
            depth -= 1
    return pos
