"""What came from the client and is not used up: command lines, and the octets of messages between them.

Standing rules: a line's limit holds whether its end has come or not (RFC 5321 §4.5.3.1.4, RFC 4954 §4); of a line that
is too long no more is kept than half a CRLF, and nobody sends one for ever; a message's octets are passed on as they
come.
"""

from mailserverd.smtp import replies
from mailserverd.smtp.commands import obey
from mailserverd.smtp.session import After, Reply, Session
from mailserverd.wire.sasl.base64_line import MAX_LINE_OCTETS as MAX_LOGIN_LINE_OCTETS
from mailserverd.wire.smtp.command import MAX_LINE_OCTETS
from mailserverd.wire.smtp.content import ChunkReceiver, DataReceiver, Discard

MAX_SKIPPED_OCTETS = 1_048_576  # of one command line; then the client is dropped
_MAX_LOGIN_COMMAND = MAX_LOGIN_LINE_OCTETS + 40


class Input:
    """Of one connection. _octets from _pos on are not used up; _skipped: those of a line that is too long so far."""

    __slots__ = ("_octets", "_pos", "_skipped")

    def __init__(self) -> None:
        self._octets = b""
        self._pos = 0
        self._skipped = 0

    def add(self, data: bytes) -> None:
        self._octets = self._octets + data if self._octets else data

    def drop(self) -> None:
        """Throw everything away."""
        self._octets = b""
        self._pos = 0

    def settle(self) -> None:
        """Forget what was used up."""
        if self._pos:
            self._octets = self._octets[self._pos :]
            self._pos = 0

    @property
    def waiting(self) -> int:
        """How many octets are held."""
        return len(self._octets) - self._pos

    def before_greeting(self) -> bytes:
        """All that there is, of a load balancer that has not said who the client is."""
        return self._octets

    def skip(self, octets: int) -> None:
        """So many are used up."""
        self._pos += octets
        self.settle()

    def answer(self, session: Session) -> Reply | None:
        """To the next command, or to the end of a message; None: more octets have to come."""
        if session.receiver is not None:
            return self._received(session, session.receiver)
        octets, pos = self._octets, self._pos
        if pos == len(octets):
            return None
        end = octets.find(b"\r\n", pos)
        if end < 0:
            return self._unended_line(session)
        self._pos = end + 2
        line = octets[pos:end]
        if self._skipped:
            self._skipped = 0
            return session.bad(replies.LINE_TOO_LONG)
        if len(line) > MAX_LINE_OCTETS and len(line) > _most(session, line):
            return session.bad(replies.LINE_TOO_LONG)
        return obey(session, line)

    def _received(self, session: Session, receiver: DataReceiver | ChunkReceiver | Discard) -> Reply | None:
        self.settle()
        block, rest = receiver.feed(self._octets)
        self._octets = b"" if rest is None else rest
        if block:
            session.take(block)
        if rest is not None:
            return session.received_all()
        return replies.TOO_LARGE if session.after is After.CLOSE else None

    def _unended_line(self, session: Session) -> bytes | None:
        self.settle()
        octets = self._octets
        if self._skipped or (len(octets) > MAX_LINE_OCTETS and len(octets) > _most(session, octets)):
            self._skipped += len(octets)
            self._octets = b"\r" if octets.endswith(b"\r") else b""
            if self._skipped > MAX_SKIPPED_OCTETS:
                session.after = After.CLOSE
                return replies.LINE_TOO_LONG
        return None


def _most(session: Session, line: bytes) -> int:
    """RFC 4954 §4: 12,288 octets for what carries a login."""
    if session.exchange is not None or line[:5].upper() == b"AUTH ":
        return _MAX_LOGIN_COMMAND
    return MAX_LINE_OCTETS
