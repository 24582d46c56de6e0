"""How a signature field is written: tags, folded, the signature itself last (RFC 6376 §3.5).

Standing rule: a field is hashed in the very octets that are sent, with b= empty, so it is folded before that.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache

_WIDTH = 76


def unsigned_field(name: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Up to and with "b=", without CRLF; tags in this order."""
    lines, line = [], name + b":"
    for tag, value in tags:
        piece = b" %b=%b;" % (tag, value)
        if len(line) + len(piece) <= _WIDTH:
            line += piece
            continue
        lines.append(line)
        line = b"\t" + piece[1:]
        if len(line) > _WIDTH:
            *full, line = _wrapped(line, b":" if tag == b"h" else b"")
            lines += full
    lines += [line, b"\tb="]
    return b"\r\n".join(lines)


@lru_cache(256)
def _wrapped(line: bytes, between: bytes) -> tuple[bytes, ...]:
    """A long value over several lines: a list at its colons, anything else not at all. Mail has few shapes: kept."""
    if not between:
        return (line,)
    out = []
    while len(line) > _WIDTH:
        at = line.rfind(between, 2, _WIDTH) + 1
        if not at:
            break
        out.append(line[:at])
        line = b"\t " + line[at:]
    return (*out, line)


def signed_field(unsigned: bytes, signature: bytes) -> bytes:
    """The whole field with its CRLF."""
    text = b64encode(signature)
    lines = [text[at : at + _WIDTH - 4] for at in range(0, len(text), _WIDTH - 4)]
    return unsigned + b"\r\n\t ".join(lines) + b"\r\n"
