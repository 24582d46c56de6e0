"""The part map: where each part of a message lies, so that BODY[1.2.MIME] is one range read.

Packed little-endian, 17 octets an entry: u8 kind and encoding, u16 index of the first child, u16 number of children,
u32 header start, u32 body start, u32 end; offsets into the whole message. Entry 0 is the message itself and children
lie side by side. It is stored: the layout changes only with the store's format.
"""

from collections.abc import Sequence
from struct import Struct

from mailserverd.wire.mime.structure import LEAF, MESSAGE, MULTIPART

ENTRY = Struct("<BHHIII")
ENTRY_OCTETS = ENTRY.size
_read = ENTRY.unpack_from

KIND_MASK = 0x03
IS_TEXT = 0x04
ENCODING_SHIFT = 3


Entry = tuple[int, int, int, int, int, int]


def _locate(part_map: bytes, number: Sequence[int]) -> Entry | None:
    """The entry of a part by its number; of the message itself by ()."""
    entry: Entry = _read(part_map, 0)
    inside = entry  # the entity whose parts are counted
    for depth, part in enumerate(number):
        if depth:
            kind = entry[0] & KIND_MASK
            if kind == LEAF:
                return None
            inside = _read(part_map, entry[1] * ENTRY_OCTETS) if kind == MESSAGE else entry
        if inside[0] & KIND_MASK == MULTIPART:
            if not 1 <= part <= inside[2]:
                return None
            entry = _read(part_map, (inside[1] + part - 1) * ENTRY_OCTETS)
        elif part == 1:
            entry = inside  # every message has a part 1
        else:
            return None
    return entry


def find_section(part_map: bytes, number: Sequence[int], section: str | None) -> tuple[int, int] | None:
    """The range of octets that BODY[number.section] names (RFC 9051 §6.4.5.1); None when there is no such part.

    section: None, "HEADER", "TEXT" or "MIME". HEADER and TEXT under a number need a message/rfc822 there.
    """
    entry = _locate(part_map, number)
    if entry is None:
        return None
    if section is None:
        return (entry[4] if number else entry[3]), entry[5]
    if section == "MIME":
        return (entry[3], entry[4]) if number else None
    if number:
        if entry[0] & KIND_MASK != MESSAGE:
            return None
        entry = _read(part_map, entry[1] * ENTRY_OCTETS)
    return (entry[3], entry[4]) if section == "HEADER" else (entry[4], entry[5])
