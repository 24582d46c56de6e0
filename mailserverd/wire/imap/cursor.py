"""A position in one whole command: its line, with literals in place as {n} CRLF octets.

Standing rules: a method either moves past what it read or raises BadSyntax; octets stay octets; a literal is a slice.
RFC 9051 §2.2.1 has one SP between arguments and none inside parentheses; clients and scripts send more, which cannot
mean anything else, so more is taken.
"""

import re

from mailserverd.wire.imap.syntax_error import BadSyntax

# RFC 9051 §9: ATOM-CHAR is any CHAR but "(" ")" "{" SP CTL "%" "*" DQUOTE "\"; resp-specials "]".
# ASTRING-CHAR allows "]" too. 8-bit octets are let through in astrings: clients send UTF-8 mailbox names.
_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING_ATOM = re.compile(rb'[^\x00-\x20\x7f(){%*"\\]+')
_LIST_ATOM = re.compile(rb'[^\x00-\x20\x7f(){"\\]+')  # list-char: with "%" "*" "]"
_NUMBER = re.compile(rb"[0-9]{1,20}")
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*)"')
_QUOTED_ESCAPES = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
_ESCAPED = re.compile(rb"\\(.)")
_LITERAL = re.compile(rb"~?\{([0-9]{1,10})\+?\}\r\n")
MAX_NUMBER = 0xFFFFFFFF
MAX_NUMBER64 = 0x7FFFFFFFFFFFFFFF


class Cursor:
    __slots__ = ("pos", "text")

    def __init__(self, text: bytes, pos: int = 0) -> None:
        self.text = text
        self.pos = pos

    def at_end(self) -> bool:
        return self.pos >= len(self.text)

    def end(self) -> None:
        """Nothing may follow."""
        if self.pos < len(self.text):
            raise BadSyntax("Unexpected text after the command's arguments")

    def peek(self) -> bytes:
        return self.text[self.pos : self.pos + 1]

    def eat(self, token: bytes) -> bool:
        """Move past `token` if it stands here (case as given)."""
        if self.text.startswith(token, self.pos):
            self.pos += len(token)
            return True
        return False

    def expect(self, token: bytes) -> None:
        if not self.text.startswith(token, self.pos):
            raise BadSyntax(f"Expected {token.decode('ascii')!r}")
        self.pos += len(token)

    def space(self) -> None:
        """One SP at least."""
        text, pos = self.text, self.pos
        if text[pos : pos + 1] != b" ":
            raise BadSyntax("Missing argument" if self.at_end() else "Expected a space")
        pos += 1
        while text[pos : pos + 1] == b" ":
            pos += 1
        self.pos = pos

    def begin_list(self) -> None:
        """Past "("."""
        self.expect(b"(")
        if self.text[self.pos : self.pos + 1] == b" ":
            self.space()

    def ends_list(self) -> bool:
        """Past ")" if it stands here."""
        start = self.pos
        if self.text[start : start + 1] == b" ":
            self.space()
        if self.eat(b")"):
            return True
        self.pos = start
        return False

    def end_list(self) -> None:
        if not self.ends_list():
            raise BadSyntax("Expected ')'")

    def atom(self) -> bytes:
        match = _ATOM.match(self.text, self.pos)
        if match is None:
            raise BadSyntax("Expected an atom")
        self.pos = match.end()
        return match[0]

    def word(self) -> bytes:
        """An atom in upper case."""
        return self.atom().upper()

    def number(self, limit: int = MAX_NUMBER) -> int:
        match = _NUMBER.match(self.text, self.pos)
        if match is None:
            raise BadSyntax("Expected a number")
        value = int(match[0])
        if value > limit:
            raise BadSyntax("Number too large")
        self.pos = match.end()
        return value

    def number64(self) -> int:
        return self.number(MAX_NUMBER64)

    def astring(self) -> bytes:
        match = _ASTRING_ATOM.match(self.text, self.pos)
        if match is not None:
            self.pos = match.end()
            return match[0]
        return self.string()

    def list_mailbox(self) -> bytes:
        match = _LIST_ATOM.match(self.text, self.pos)
        if match is not None:
            self.pos = match.end()
            return match[0]
        return self.string()

    def string(self) -> bytes:
        """A quoted string or a literal."""
        first = self.text[self.pos : self.pos + 1]
        if first == b'"':
            return self._quoted()
        if first == b"{":
            return self._literal()
        raise BadSyntax("Missing argument" if not first else "Expected a string")

    def nstring(self) -> bytes | None:
        if self.text[self.pos : self.pos + 3].upper() == b"NIL":
            self.pos += 3
            return None
        return self.string()

    def _quoted(self) -> bytes:
        match = _QUOTED.match(self.text, self.pos)
        if match is not None:
            self.pos = match.end()
            return match[1]
        match = _QUOTED_ESCAPES.match(self.text, self.pos)
        if match is None:
            raise BadSyntax("Quoted string is not closed or holds a bad character")
        self.pos = match.end()
        return _ESCAPED.sub(rb"\1", match[1])

    def _literal(self) -> bytes:
        match = _LITERAL.match(self.text, self.pos)
        if match is None:
            raise BadSyntax("Expected a literal")
        start, length = match.end(), int(match[1])
        octets = self.text[start : start + length]
        if len(octets) != length:
            raise BadSyntax("Literal is cut short")
        if b"\0" in octets:  # RFC 9051 §9: literal holds CHAR8, %x01-ff
            raise BadSyntax("NUL in a literal")
        self.pos = start + length
        return octets
