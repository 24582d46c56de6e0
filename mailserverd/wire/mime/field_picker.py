"""BODY[HEADER.FIELDS (...)] of a header that no index tells apart to its end: long ones, and those of parts.

Standing rules: it comes in pieces and goes in pieces, so that a header of any length is answered octet for octet; of
it there is never more in memory than a piece, and what is needed to know a field's name.
"""

import re
from collections.abc import Iterable, Iterator

from mailserverd.wire.mime.headers import FieldSelector, fields_end, split_fields
from mailserverd.wire.mime.limits import DEFAULT_LIMITS

PIECE_OCTETS = 32_768
MAX_NAME_OCTETS = 262_144  # a longer line without a colon is no field
INDEXED_OCTETS = 9 * DEFAULT_LIMITS.header_fields  # an index that is longer ends with fields not told apart

_rest_of_field = re.compile(rb"[^\n]*+(?:\n[ \t][^\n]*+)*+\n?").match
_may_become_a_name = re.compile(rb"[^:\s]*+[ \t]*+\Z").match


class FieldPicker:
    """Takes the fields of a header, without the empty line at its end, piece by piece, and gives those wanted.

    _held: what cannot be judged before more has come. _inside: the last field goes on. _wanted: it is one of them.
    """

    __slots__ = ("_held", "_inside", "_selector", "_wanted")

    def __init__(self, selector: FieldSelector) -> None:
        self._selector = selector
        self._held = b""
        self._inside = self._wanted = False

    def feed(self, piece: bytes, is_last: bool = False) -> bytes:
        """What is wanted of the header up to here and was not given yet."""
        text = self._held + piece
        ends_line = not is_last and text.endswith(b"\n")  # whether the field ends too is seen by what follows
        self._held = b"\n" if ends_line else b""
        end = len(text) - ends_line
        position, picked = 0, []
        if self._inside:
            position = _rest_of_field(text, 0, end).end()  # type: ignore[union-attr]  # it always matches
            if self._wanted:
                picked.append(text[:position])
            if position == end and not is_last and not text.endswith(b"\n", 0, end):
                return b"".join(picked)
            self._inside = False
        fields = split_fields(text, position, end)
        if fields and fields[-1] == (b"", b""):  # the expression also matches the nothing at the end
            fields.pop()
        open_field = fields.pop() if fields and not is_last and fields[-1][1][-1:] != b"\n" else None
        wants = self._selector.wants
        picked += [name + rest for name, rest in fields if wants(name, rest)]
        if open_field is not None:
            picked.append(self._begin(open_field[0], open_field[1], ends_line))
        return b"".join(picked)

    def _begin(self, name: bytes, rest: bytes, ends_line: bool) -> bytes:
        """The last field that there is of it so far."""
        field = name + rest
        if not ends_line and len(field) <= MAX_NAME_OCTETS and _may_become_a_name(field):
            self._held = field
            return b""
        self._inside = True
        self._wanted = self._selector.wants(name, rest)
        return field if self._wanted else b""


def pieces_of(octets: bytes) -> Iterator[bytes]:
    """So small that the work on one takes milliseconds at most."""
    return (octets[at : at + PIECE_OCTETS] for at in range(0, len(octets), PIECE_OCTETS))


def pick_fields(selector: FieldSelector, header: bytes) -> bytes:
    """The fields asked for, as they are in the header, and its empty line if there is one (RFC 9051 §6.4.5)."""
    end = fields_end(header)
    return b"".join([*picked_pieces(selector, pieces_of(header[:end])), header[end:]])


def picked_pieces(selector: FieldSelector, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The fields asked for, of a header without its empty line."""
    picker = FieldPicker(selector)
    for piece in pieces:
        yield picker.feed(piece)
    yield picker.feed(b"", is_last=True)
