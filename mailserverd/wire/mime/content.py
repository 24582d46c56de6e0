"""What a part holds: its octets decoded, and its text as people read it. Tolerant, and never raises."""

import re
from binascii import Error as BinasciiError
from binascii import a2b_qp, a2b_uu
from collections.abc import Iterator

from mailserverd.wire.mime.charsets import decode_charset
from mailserverd.wire.mime.decode import decode_header, lenient_base64
from mailserverd.wire.mime.limits import DEFAULT_LIMITS
from mailserverd.wire.mime.structure import BASE64, LEAF, MESSAGE, QUOTED_PRINTABLE, UUENCODE
from mailserverd.wire.mime.tree import read_tree

_AT_ONCE = 262_144
_uu_begin = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE).search
_trailing_space = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)").sub


def decode_octets(encoded: bytes, encoding: int) -> bytes:
    """The content behind a Content-Transfer-Encoding (RFC 2045 §6); an unknown one is left as it is."""
    if encoding == BASE64:
        return lenient_base64(encoded)
    if encoding == QUOTED_PRINTABLE:
        return b"".join([_decode_quoted_printable(lines) for lines in _pieces(encoded)])
    if encoding == UUENCODE:
        return _decode_uu(encoded)
    return encoded


def _pieces(octets: bytes) -> Iterator[bytes]:
    """Whole lines, a quarter of a megabyte at a time where there are that many: other threads have their turn."""
    start, length = 0, len(octets)
    while start < length:
        end = octets.find(b"\n", start + _AT_ONCE) + 1 or length
        yield octets[start:end]
        start = end


def _decode_quoted_printable(encoded: bytes) -> bytes:
    """RFC 2045 §6.7 rule 3: white space at the end of a line was added on the way."""
    return a2b_qp(_trailing_space(b"", encoded) if b" \r\n" in encoded or b"\t\r\n" in encoded else encoded)


def _decode_uu(encoded: bytes) -> bytes:
    begin = _uu_begin(encoded)
    if begin is None:
        return encoded
    out: list[bytes] = []
    for line in encoded[begin.end() :].split(b"\n"):
        line = line.rstrip(b"\r")
        if line == b"end":
            break
        if not 32 <= (line[0] if line else 0) <= 96:
            continue
        try:
            out.append(a2b_uu(line))
        except BinasciiError:
            # A line longer than its count says: trust the count.
            wanted = ((line[0] - 32) & 63) * 4 // 3 + 3
            try:
                out.append(a2b_uu(line[:wanted]))
            except BinasciiError:
                continue
    return b"".join(out)


def texts_of(octets: bytes) -> Iterator[str]:
    """The texts of the body, for SEARCH: text parts decoded, the headers of messages within as people read them.

    The message's own header is not among them; HTML is searched as it is written.
    """
    pending = [read_tree(octets, DEFAULT_LIMITS)[0]]
    while pending:
        entity = pending.pop()
        facts = entity.facts
        if facts.kind == LEAF:
            if facts.media in (b"text", b"message"):
                content = octets[entity.body_start : entity.end]
                yield decode_charset(decode_octets(content, facts.encoding), facts.charset)
            continue
        if facts.kind == MESSAGE:
            for message in entity.children:
                yield decode_header(octets[message.header_start : message.body_start])
        pending.extend(reversed(entity.children))
