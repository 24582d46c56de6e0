"""Octets to lines and literals, bounded (RFC 9051 §4.3, RFC 7888).

Standing rules: a literal that is too large, and a message that its mailbox would not take, is refused before its
octets are asked for, or when they come unasked ({n+}) swallowed without being kept; an over-long line is swallowed
too; a bare LF ends a line as CRLF does (people who type send it), which is harmless since message octets are counted
here and never searched for line ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from mailserverd.delivery.spool import Spooled
from mailserverd.imap.input_limits import append_limit, line_limit, literal_limit
from mailserverd.imap.reply import Reply, bad, no, syntax_reply
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.append import Append, parse_append
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.syntax_error import BadSyntax

_LITERAL = re.compile(rb"\{([0-9]{1,20})(\+?)\}\Z")
_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+\Z')
_MAX_TAG = 256
_MAX_LITERALS = 100
_MAX_LINE_SWALLOWED = 16 * 1024 * 1024
_MAX_SWALLOWED = 256 * 1024 * 1024


class Connection(Protocol):
    """What is told of commands."""

    session: Session

    @property
    def wants_line(self) -> bool: ...
    def got_line(self, line: bytes) -> None: ...
    def refuse(self, tag: bytes, reply: Reply) -> None: ...
    def goodbye(self, text: bytes) -> None: ...
    def write(self, octets: bytes) -> None: ...
    def command(self, tag: bytes, text: bytes, after_tag: int) -> None: ...
    def append(self, tag: bytes, value: Append) -> None: ...
    def ask(self, value: Append, then: Callable[[Reply | None], None]) -> None:
        """Whether this APPEND is refused before its octets come; nothing is taken until `then` was told."""
        ...


class Input:
    """_head: the command so far, when literals came. _left: octets of a literal still to come, kept or, with a
    refusal, swallowed. _refusal: the answer that the command being swallowed will get. _append: the APPEND whose
    message goes to _upload."""

    __slots__ = (
        "_append",
        "_connection",
        "_head",
        "_left",
        "_literals",
        "_pos",
        "_refusal",
        "_rest",
        "_swallowed",
        "_upload",
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._upload: Spooled | None = None
        self._clear(b"")

    def _clear(self, rest: bytes) -> None:
        self._rest = rest
        self._pos = 0
        self._left = 0
        self._head: list[bytes] | None = None
        self._literals = 0
        self._refusal: tuple[bytes, Reply] | None = None
        self._swallowed = 0
        self._append: Append | None = None

    def drop(self) -> None:
        """Throw everything away."""
        if self._upload is not None:
            self._upload.close()
            self._upload = None
        self._clear(b"")

    def add(self, data: bytes) -> None:
        self._rest = self._rest + data if self._rest else data

    @property
    def waiting(self) -> int:
        """How many octets are held for what has not been taken yet."""
        return len(self._rest)

    def settle(self) -> int:
        """Forget what was taken; how many octets wait."""
        if self._pos:
            self._rest = self._rest[self._pos :]
            self._pos = 0
        return len(self._rest)

    def take(self) -> bool:
        """One line or a piece of a literal. False: nothing more can be done with what there is."""
        rest, pos = self._rest, self._pos
        if pos >= len(rest):
            return False
        if self._left:
            self._take_literal()
            return True
        end = rest.find(b"\n", pos)
        if end < 0:
            return self._unended(rest, pos)
        self._pos = end + 1
        line = rest[pos : end - 1] if end > pos and rest[end - 1] == 13 else rest[pos:end]
        if self._connection.wants_line:
            self._connection.got_line(line)
        elif self._refusal is not None:
            self._swallow_line(line)
        elif len(line) > line_limit(self._connection.session):
            self._too_long(line)
            self._swallow_line(line)
        else:
            self._line(line)
        return True

    def _unended(self, rest: bytes, pos: int) -> bool:
        """No line end yet."""
        waiting = len(rest) - pos
        if self._refusal is None and waiting > line_limit(self._connection.session):
            if self._connection.wants_line:
                self._connection.goodbye(b"Line too long")
                return False
            self._too_long(rest[pos : pos + _MAX_TAG])
        if self._refusal is not None:  # keep the end: it may be the "{n+}" or the CR of the line end
            keep = 32
            if waiting > keep:
                self._swallowed += waiting - keep
                self._pos = len(rest) - keep
                if self._swallowed > _MAX_LINE_SWALLOWED:
                    self._connection.goodbye(b"Line too long")
        return False

    def _too_long(self, line: bytes) -> None:
        tag = self._tag_of(b"".join(self._head) if self._head else line)
        self._refuse_later(tag, bad(b"Line too long", b"TOOBIG"))

    @staticmethod
    def _tag_of(text: bytes) -> bytes:
        tag = text[:_MAX_TAG].partition(b" ")[0]
        return tag if _TAG.match(tag) else b"*"

    def _refuse_later(self, tag: bytes, reply: Reply) -> None:
        self._refusal = tag, reply
        self._head = None
        self._literals = 0
        self._append = None
        if self._upload is not None:
            self._upload.close()
            self._upload = None

    def _swallow_line(self, line: bytes) -> None:
        """A line of a command that is refused: the last one brings the answer."""
        literal = _LITERAL.search(line, max(len(line) - 24, 0))
        assert self._refusal is not None
        if literal is not None and literal[2]:
            self._swallow(int(literal[1]))
            return
        (tag, reply), self._refusal, self._swallowed = self._refusal, None, 0
        self._connection.refuse(tag, reply)

    def _swallow(self, size: int) -> None:
        self._left = size
        if size > _MAX_SWALLOWED:
            self._connection.goodbye(b"[TOOBIG] Literal too large")

    def _line(self, line: bytes) -> None:
        if self._append is not None:
            self._end_append(line)
            return
        text = line
        if self._head is not None:
            self._head.append(line)
            text = b"".join(self._head)
            self._head = None
        if line[-1:] == b"}":
            literal = _LITERAL.search(line, max(len(line) - 24, 0))
            if literal is not None:
                self._announced(text, int(literal[1]), bool(literal[2]))
                return
        self._literals = 0
        if line[-1:] == b" ":
            text = text[: len(text) - len(line) + len(line.rstrip(b" "))]
        space = text.find(b" ")
        tag = text[:space] if space > 0 else text
        if not _TAG.match(tag) or len(tag) > _MAX_TAG:
            self._connection.refuse(b"*", bad(b"Invalid tag"))
        elif space < 0:
            self._connection.refuse(tag, bad(b"Missing command"))
        else:
            self._connection.command(tag, text, space + 1)

    def _announced(self, text: bytes, size: int, at_once: bool) -> None:
        """A literal of `size` octets follows; with `at_once` without our leave."""
        append = None
        try:
            append = self._append_of(text)
        except BadSyntax as error:  # RFC 9051 §7.6: instead of the continuation, for no octets would mend it
            refusal: Reply | None = syntax_reply(error)
        else:
            refusal = self._why_not(text, size, append)
        if append is not None and refusal is None:
            self._connection.ask(append, lambda refusal: self._decided(text, size, append, at_once, refusal))
        else:
            self._decided(text, size, append, at_once, refusal)

    def _decided(self, text: bytes, size: int, append: Append | None, at_once: bool, refusal: Reply | None) -> None:
        if refusal is None:
            self._accept(text, size, append)
            if not at_once:
                self._connection.write(b"+ OK\r\n")
        elif at_once:
            self._refuse_later(self._tag_of(text), refusal)
            self._swallow(size)
        else:
            self._literals = 0
            self._connection.refuse(self._tag_of(text), refusal)

    def _why_not(self, text: bytes, size: int, append: Append | None) -> Reply | None:
        connection = self._connection
        if append is not None:
            if size > append_limit(connection.session):
                return no(b"Message too large", b"TOOBIG")  # RFC 7889 §4
            return None
        self._literals += 1
        if size > literal_limit(connection.session):
            return bad(b"Literal too large", b"TOOBIG")
        if self._literals > _MAX_LITERALS or len(text) + size > line_limit(connection.session) + literal_limit(
            connection.session
        ):
            return bad(b"Command too large", b"TOOBIG")
        return None

    def _append_of(self, text: bytes) -> Append | None:
        """The APPEND whose message is what follows, if it is that. Raises BadSyntax where its arguments are wrong."""
        start = text.find(b" ") + 1
        if text[start : start + 7].upper() != b"APPEND " or self._connection.session.login is None:
            return None
        if _LITERAL.match(text[start + 7 :].lstrip(b" ")):  # the name of the mailbox
            return None
        return parse_append(Cursor(text, start + 6))

    def _accept(self, text: bytes, size: int, append: Append | None) -> None:
        self._left = size
        if append is None:
            self._head = [text, b"\r\n"]
        else:
            self._head = [text]
            self._append = append
            self._upload = self._connection.session.services.spool.open()

    def _take_literal(self) -> None:
        piece = self._rest[self._pos : self._pos + self._left]
        self._pos += len(piece)
        self._left -= len(piece)
        if self._refusal is not None:
            return
        if self._upload is not None:
            self._upload.append(piece)
        elif self._head is not None:
            self._head.append(piece)

    def _end_append(self, line: bytes) -> None:
        append, head, upload = self._append, self._head, self._upload
        assert append is not None
        assert head is not None
        self._append = self._head = self._upload = None
        self._literals = 0
        tag = self._tag_of(head[0])
        if line.strip(b" "):
            if upload is not None:
                upload.close()
            literal = _LITERAL.search(line, max(len(line) - 24, 0))
            refusal = bad(b"Unexpected text after the message")
            if literal is not None and literal[2]:
                self._refuse_later(tag, refusal)
                self._swallow(int(literal[1]))
            else:
                self._connection.refuse(tag, refusal)
            return
        self._connection.session.upload = upload
        self._connection.append(tag, append)
