"""Every part with content of its own, out of a part map: what clients could ask for."""

from typing import NamedTuple

from mailserverd.wire.mime.parts import ENCODING_SHIFT, ENTRY, ENTRY_OCTETS, IS_TEXT, KIND_MASK
from mailserverd.wire.mime.structure import LEAF, MESSAGE

Entry = tuple[int, int, int, int, int, int]


class Part(NamedTuple):
    """An entry, read. number: its section number as a client writes it, () for the message itself."""

    number: tuple[int, ...]
    kind: int
    is_text: bool
    encoding: int
    header_start: int
    body_start: int
    end: int


def leaves(part_map: bytes) -> list[Part]:
    """Every part that holds content of its own, in the order of the message, with its number."""
    out: list[Part] = []
    pending: list[tuple[tuple[int, ...], int, bool]] = [((), 0, True)]
    while pending:
        number, index, is_root = pending.pop()
        entry = ENTRY.unpack_from(part_map, index * ENTRY_OCTETS)
        kind = entry[0] & KIND_MASK
        if kind == LEAF:
            out.append(_part((*number, 1) if is_root else number, entry))
        elif kind == MESSAGE:
            inner = (*number, 1) if is_root else number
            pending.append((inner, entry[1], True))
        else:
            first, count = entry[1], entry[2]
            pending.extend(((*number, place + 1), first + place, False) for place in range(count - 1, -1, -1))
    return out


def _part(number: tuple[int, ...], entry: Entry) -> Part:
    flags = entry[0]
    return Part(number, flags & KIND_MASK, bool(flags & IS_TEXT), flags >> ENCODING_SHIFT, entry[3], entry[4], entry[5])
