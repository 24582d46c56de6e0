"""Replies of a server that is not ours, octets to values (RFC 5321 §4.2).

Standing rules: every bound holds before anything is kept: the lines and the octets of a reply; of a long line its
beginning is kept; what breaks a bound or the grammar is BadReply and ends the conversation; text is cleaned before
anybody sees it.

    Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    Reply-code = %x32-35 %x30-39 %x30-39
"""

import re
from typing import NamedTuple

MAX_LINE_OCTETS = 1000  # that are kept; RFC 5321 §4.5.3.1.5 says 512 at most
MAX_LINES = 128  # an answer to EHLO has a few dozen at most
MAX_OCTETS = 32_768
MAX_TEXT = 1000  # characters of a reply's text that go into logs and reports

_enhanced = re.compile(rb"([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?=[ \t]|$)")  # RFC 2034 §4
_CODES = {b"%d" % code: code for code in range(200, 600)}  # the second digit goes beyond 5 in real ones, as in 571


class BadReply(Exception):
    """Not SMTP, or too much of it; the text says what."""


class Reply(NamedTuple):
    """lines: what follows the code in each line, as it came, without line ends."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def status(self) -> str:
        """The enhanced status code, "" where there is none that fits the code (RFC 2034 §4, RFC 3463 §2)."""
        found = _enhanced.match(self.lines[-1]) or _enhanced.match(self.lines[0])
        return found[0].decode() if found and int(found[1]) == self.code // 100 else ""

    @property
    def text(self) -> str:
        """Code, enhanced status code and the text of all lines in one line of printable ASCII, cut to MAX_TEXT."""
        status = self.status
        words = [str(self.code)] + [status] * bool(status)
        for line in self.lines:
            rest = line[len(status) :].strip() if status and line.split(b" ", 1)[0] == status.encode() else line.strip()
            if rest:
                words.append(clean(rest))
        return " ".join(words)[:MAX_TEXT]


def clean(octets: bytes) -> str:
    """Printable ASCII, "?" in place of anything else."""
    text = octets[:MAX_TEXT].decode("latin-1")
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if " " <= each <= "~" else " " if each == "\t" else "?" for each in text)


class ReplyReader:
    """Octets in any chunks to replies."""

    __slots__ = ("_held", "_lines", "_octets")

    def __init__(self) -> None:
        self._held = b""
        self._lines: list[bytes] = []
        self._octets = 0

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are whole now. Raises BadReply; nothing may be fed afterwards."""
        lines = (self._held + data).split(b"\n")
        self._held = lines.pop()
        if len(self._held) > MAX_OCTETS:
            raise BadReply("a line of a reply has no end")
        found = []
        for line in lines:
            reply = self._take(line)
            if reply is not None:
                found.append(reply)
        return found

    def drop(self) -> None:
        """Forget what came of a reply that is not whole (RFC 3207 §4.2: it was not said over TLS)."""
        self.__init__()  # type: ignore[misc]

    def _take(self, line: bytes) -> Reply | None:
        line = line.removesuffix(b"\r")
        code = _CODES.get(line[:3])
        mark = line[3:4]
        if code is None or mark not in (b" ", b"-", b""):
            raise BadReply(f'not a reply: "{clean(line[:80])}"')
        self._octets += len(line)
        if len(self._lines) >= MAX_LINES or self._octets > MAX_OCTETS:
            raise BadReply("a reply has no end")
        self._lines.append(line[4:MAX_LINE_OCTETS])
        if mark == b"-":
            return None
        reply = Reply(code, tuple(self._lines))
        self._lines = []
        self._octets = 0
        return reply
