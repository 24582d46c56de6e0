"""Content-Transfer-Encodings that any server takes: quoted-printable and base64 (RFC 2045 §6.7, §6.8).

Standing rules: what is encoded decodes to the same octets; a line of the result has at most 76 characters, CRLF at its
end, and begins with no dot of its own where that can be had.
"""

import re
from binascii import b2a_base64

_LINE = 76
_BASE64_OCTETS = 57  # a line of base64
_ESCAPED = {octet: b"=%02X" % octet for octet in range(256)}
_unsafe = re.compile(rb"[^\t -<>-~]|[ \t](?=\Z)")
_SAFE = bytes([9, *range(32, 61), *range(62, 127)])


def base64_lines(octets: bytes) -> bytes:
    """Without a CRLF after the last line."""
    lines = [
        b2a_base64(octets[start : start + _BASE64_OCTETS], newline=False)
        for start in range(0, len(octets), _BASE64_OCTETS)
    ]
    return b"\r\n".join(lines)


def quoted_printable(octets: bytes) -> bytes:
    """CRLF stays a line end; any other CR or LF is escaped."""
    return b"\r\n".join([_quoted_line(line) for line in octets.split(b"\r\n")])


def _quoted_line(line: bytes) -> bytes:
    quoted = _unsafe.sub(lambda found: _ESCAPED[found[0][0]], line)
    if quoted[:1] == b".":
        quoted = b"=2E" + quoted[1:]
    if len(quoted) <= _LINE:
        return quoted
    pieces = []
    start = 0
    while len(quoted) - start > _LINE:
        end = start + _LINE - 1
        mark = quoted.rfind(b"=", end - 2, end)  # an escape is not cut
        if mark >= 0:
            end = mark
        pieces.append(quoted[start:end])
        start = end
    pieces.append(quoted[start:])
    return b"=\r\n".join(pieces)


def escapes(octets: bytes) -> int:
    """How many octets quoted-printable would have to escape, line ends not counted."""
    return len(octets.translate(None, _SAFE)) - 2 * octets.count(b"\r\n")
