"""Where a numbered part of a stored message is, by its part map.

Standing rule: the part map is read, never the message.
"""

import enum

from mailserverd.wire.mime.parts import find_section


class SectionKind(enum.Enum):
    """RFC 9051 §6.4.5.1: the octets of the part, its message's header or text, or its MIME header."""

    WHOLE = ""
    HEADER = "HEADER"
    TEXT = "TEXT"
    MIME = "MIME"


def section_range(part_map: bytes, path: tuple[int, ...], kind: SectionKind) -> tuple[int, int] | None:
    """[start, stop) in the message; None: there is no such part."""
    return find_section(part_map, path, kind.value or None)
