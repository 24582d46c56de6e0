"""The text of a message's body for SEARCH: text parts decoded, headers of embedded messages as people read them.

Standing rules: never raises, whatever the octets; depth and number of parts are bounded, what lies beyond is searched
as it is; parts that are no text are not looked into (RFC 9051 §6.4.4 leaves that to the server).
"""

import re
from binascii import a2b_qp
from collections.abc import Iterator

from mailserverd.wire.mime.charsets import decode_charset
from mailserverd.wire.mime.decode import decode_header, lenient_base64
from mailserverd.wire.mime.headers import field_values, index_header

MAX_DEPTH = 32
MAX_PARTS = 1_000
_TYPE = re.compile(rb"\s*([A-Za-z0-9!#$&^_.+-]+)\s*/\s*([A-Za-z0-9!#$&^_.+-]+)").match
_PARAMETER = re.compile(rb';\s*(boundary|charset)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE).finditer


def texts_of(octets: bytes) -> Iterator[str]:
    """The texts of the body; the message's own header is not among them."""
    left = [(0, len(octets), 0, False)]
    parts = 0
    while left and parts < MAX_PARTS:
        start, stop, depth, embedded = left.pop()
        parts += 1
        end = _header_end(octets, start, stop)
        header = octets[start:end]
        if embedded:
            yield decode_header(header)
        index = index_header(header)
        kind, parameters = _content_type(field_values(header, index, b"Content-Type"))
        if kind.startswith(b"multipart/") and b"boundary" in parameters and depth < MAX_DEPTH:
            pieces = _pieces(octets, end, stop, parameters[b"boundary"])
            left += [(low, high, depth + 1, False) for low, high in reversed(pieces)]
        elif kind in (b"message/rfc822", b"message/global") and depth < MAX_DEPTH:
            left.append((end, stop, depth + 1, True))
        elif kind.startswith((b"text/", b"message/", b"multipart/")):
            encoding = field_values(header, index, b"Content-Transfer-Encoding")
            yield decode_charset(_decoded(octets[end:stop], encoding), parameters.get(b"charset"))


def _header_end(octets: bytes, start: int, stop: int) -> int:
    """Behind the first empty line; lines may end in LF alone."""
    for empty in (b"\r\n", b"\n"):
        if octets.startswith(empty, start, stop):
            return start + len(empty)
    ends = [at + len(empty) for empty in (b"\r\n\r\n", b"\n\n") if (at := octets.find(empty, start, stop)) >= 0]
    return min(ends, default=stop)


def _content_type(values: list[bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """RFC 2045 §5.2: text/plain where none is given or it cannot be read."""
    found = _TYPE(values[0]) if values else None
    if found is None:
        return b"text/plain", {}
    parameters: dict[bytes, bytes] = {}
    for one in _PARAMETER(values[0]):
        parameters.setdefault(one[1].lower(), one[3] if one[2] is None else one[2].replace(b"\\", b""))
    return b"%b/%b" % (found[1].lower(), found[2].lower()), parameters


def _pieces(octets: bytes, start: int, stop: int, boundary: bytes) -> list[tuple[int, int]]:
    """The parts between the boundary lines (RFC 2046 §5.1.1)."""
    dashes = b"--" + boundary
    pieces: list[tuple[int, int]] = []
    low = -1
    at = octets.find(dashes, start, stop)
    while at >= 0 and len(pieces) < MAX_PARTS:
        if at == start or octets[at - 1 : at] == b"\n":
            line_end = octets.find(b"\n", at, stop)
            rest = octets[at + len(dashes) : line_end if line_end >= 0 else stop].rstrip()
            if rest in (b"", b"--"):
                if low >= 0:
                    pieces.append((low, max(low, at - 2 if octets[at - 2 : at] == b"\r\n" else at - 1)))
                low = line_end + 1 if rest == b"" and line_end >= 0 else -1
                if rest == b"--":
                    return pieces
        at = octets.find(dashes, at + len(dashes), stop)
    if low >= 0:
        pieces.append((low, stop))
    return pieces


def _decoded(content: bytes, encoding: list[bytes]) -> bytes:
    name = encoding[0].strip().lower() if encoding else b""
    if name == b"base64":
        return lenient_base64(content)
    if name == b"quoted-printable":
        return a2b_qp(content)
    return content
