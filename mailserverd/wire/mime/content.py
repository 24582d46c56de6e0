"""What a part holds: its octets decoded, and its text as people read it. Tolerant, and never raises."""

import re
from binascii import Error as BinasciiError
from binascii import a2b_qp, a2b_uu

from mailserverd.wire.mime.charsets import decode_charset
from mailserverd.wire.mime.decode import lenient_base64
from mailserverd.wire.mime.html import text_of_html
from mailserverd.wire.mime.limits import DEFAULT_LIMITS
from mailserverd.wire.mime.parts import Part, leaves
from mailserverd.wire.mime.structure import BASE64, QUOTED_PRINTABLE, UUENCODE, facts_of_header

_uu_begin = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE).search
_trailing_space = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)").sub


def decode_octets(encoded: bytes, encoding: int) -> bytes:
    """The content behind a Content-Transfer-Encoding (RFC 2045 §6); an unknown one is left as it is."""
    if encoding == BASE64:
        return lenient_base64(encoded)
    if encoding == QUOTED_PRINTABLE:
        # RFC 2045 §6.7 rule 3: white space at the end of a line was added on the way
        return a2b_qp(_trailing_space(b"", encoded) if b" \r\n" in encoded or b"\t\r\n" in encoded else encoded)
    if encoding == UUENCODE:
        return _decode_uu(encoded)
    return encoded


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


def decoded_part(octets: bytes, part: Part) -> bytes:
    """The decoded content of a leaf; of a multipart or message its octets as they are."""
    return decode_octets(octets[part.body_start : part.end], part.encoding)


def text_of(octets: bytes, part: Part) -> str:
    """The text of a text part: charset decoded, HTML without its tags. Of any other part nothing."""
    if not part.is_text:
        return ""
    header = octets[part.header_start : part.body_start]
    facts = facts_of_header(header, False, True, DEFAULT_LIMITS.boundary_octets)
    text = decode_charset(decoded_part(octets, part), facts.charset)
    return text_of_html(text) if facts.subtype == b"html" else text


def texts_of(octets: bytes, part_map: bytes) -> list[str]:
    """The text of every text part, in order, for SEARCH."""
    return [text_of(octets, part) for part in leaves(part_map) if part.is_text]
