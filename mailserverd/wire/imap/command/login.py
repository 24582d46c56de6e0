"""LOGIN (RFC 9051 §6.2.3): "LOGIN" SP userid SP password, both astrings."""

from dataclasses import dataclass, field

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.syntax_error import BadSyntax


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: bytes = field(repr=False)


def parse_login(cursor: Cursor) -> Login:
    cursor.space()
    user = cursor.astring()
    cursor.space()
    password = cursor.astring()
    cursor.end()
    try:
        return Login(user.decode("utf-8"), password)
    except UnicodeDecodeError:
        raise BadSyntax("User name is not UTF-8") from None
