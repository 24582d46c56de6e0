"""AUTHENTICATE (RFC 9051 §6.2.2): "AUTHENTICATE" SP auth-type [SP (base64 / "=")]"""

from dataclasses import dataclass, field

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.syntax_error import BadSyntax


@dataclass(frozen=True, slots=True)
class Authenticate:
    """initial: as it stood, still base64 (RFC 4959); None where there was none."""

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


def parse_authenticate(cursor: Cursor) -> Authenticate:
    cursor.space()
    mechanism = cursor.word().decode("ascii")
    initial = None
    if cursor.eat(b" "):
        initial = cursor.text[cursor.pos :]
        if not initial or b" " in initial or b"\r" in initial:
            raise BadSyntax("Bad initial response")
        cursor.pos = len(cursor.text)
    cursor.end()
    return Authenticate(mechanism, initial)
