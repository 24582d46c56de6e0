"""ENABLE (RFC 5161 §3.1): "ENABLE" 1*(SP capability); unknown ones are ignored."""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Enable:
    """names: in upper case, as given."""

    names: tuple[bytes, ...]


def parse_enable(cursor: Cursor) -> Enable:
    names: list[bytes] = []
    while not names or not cursor.at_end():
        cursor.space()
        names.append(cursor.word())
    return Enable(tuple(names))
