"""tag=value lists: of signatures, keys and policies (RFC 6376 §3.2)."""

import re

_tag = re.compile(rb"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=[ \t\r\n]*([^;]*?)[ \t\r\n]*\Z", re.DOTALL).match


class BadTags(ValueError):
    """Not such a list, or a tag that stands there twice."""


def parse_tags(text: bytes) -> dict[bytes, bytes]:
    """Values with the white space in them; an empty piece may stand at the end only. Raises BadTags."""
    pieces = text.split(b";")
    if not pieces[-1].strip(b" \t\r\n"):
        pieces.pop()
    out: dict[bytes, bytes] = {}
    for piece in pieces:
        found = _tag(piece)
        if found is None or found[1] in out:
            raise BadTags("a tag that cannot be read, or that stands there twice")
        out[found[1]] = found[2]
    return out
