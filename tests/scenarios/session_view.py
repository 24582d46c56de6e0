"""An IMAP client that believes only what it is told: its view of the mailbox is built from untagged responses.

Standing rules (RFC 9051 §5.5, §7.5.1): EXISTS never shrinks the view; EXPUNGE never comes in answer to FETCH, STORE or
SEARCH by number; a UID told for a place is the UID of that place for good; a message's MODSEQ never goes down.
"""

import asyncio
import re
from typing import Self

_FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)$", re.DOTALL)
_NUMBERED = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|RECENT)$")
_LITERAL = re.compile(rb"\{(\d+)\}$")
_BY_NUMBER = (b"FETCH", b"STORE", b"SEARCH")


class Place:
    """One message as far as it is known; None: not told yet."""

    __slots__ = ("flags", "modseq", "uid")

    def __init__(self) -> None:
        self.uid: int | None = None
        self.flags: frozenset[bytes] | None = None
        self.modseq = 0


class SessionView:
    """One session. places: the mailbox as told so far, in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._tag = 0
        self._verb = b""
        self.places: list[Place] = []
        self.found: list[int] = []

    @classmethod
    async def open(cls, port: int, login: str, password: str) -> Self:
        self = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
        assert (await self._line()).startswith(b"* OK")
        await self.ask(f"LOGIN {login} {password}".encode())
        return self

    async def ask(self, command: bytes, literal: bytes | None = None) -> bytes:
        """The tagged answer, without the tag. literal: the last argument."""
        self._tag += 1
        tag = b"t%d" % self._tag
        self._verb = command.split(b" ", 1)[0]
        if literal is not None:
            command += b" {%d+}\r\n%b" % (len(literal), literal)
        self._writer.write(b"%b %b\r\n" % (tag, command))
        while not (line := await self._line()).startswith(tag + b" "):
            self._hear(line)
        return line[len(tag) + 1 :]

    async def select(self, mailbox: bytes) -> None:
        self.places = []
        assert (await self.ask(b"SELECT " + mailbox)).startswith(b"OK")

    async def idle(self, seconds: float) -> None:
        """Listen for a while."""
        self._tag += 1
        self._verb = b"IDLE"
        self._writer.write(b"t%d IDLE\r\n" % self._tag)
        assert (await self._line()).startswith(b"+")
        hearing = asyncio.ensure_future(self._hear_on())
        await asyncio.wait([hearing], timeout=seconds)
        self._writer.write(b"DONE\r\n")
        await hearing

    async def _hear_on(self) -> None:
        while not (line := await self._line()).startswith(b"t%d " % self._tag):
            self._hear(line)
        assert b" OK" in line, line

    async def _line(self) -> bytes:
        """One response, its literals within."""
        pieces = []
        while True:
            line = await asyncio.wait_for(self._reader.readuntil(b"\r\n"), 30)
            pieces.append(line)
            if not (found := _LITERAL.search(line[:-2])):
                return b"".join(pieces)[:-2]
            pieces.append(await asyncio.wait_for(self._reader.readexactly(int(found[1])), 30))

    def _hear(self, line: bytes) -> None:
        assert not line.startswith((b"* BAD", b"* BYE")), line
        if found := _NUMBERED.match(line):
            self._numbered(int(found[1]), found[2])
        elif found := _FETCH.match(line):
            self._fetched(int(found[1]), found[2])
        elif line.startswith(b"* SEARCH"):
            self.found = [int(word) for word in line.split(b" (", 1)[0].split()[2:]]

    def _numbered(self, number: int, what: bytes) -> None:
        if what == b"EXPUNGE":
            assert self._verb not in _BY_NUMBER, self._verb
            assert 1 <= number <= len(self.places), (number, len(self.places))
            del self.places[number - 1]
        elif what == b"EXISTS":
            assert number >= len(self.places), (number, len(self.places))
            self.places += [Place() for _ in range(number - len(self.places))]

    def _fetched(self, number: int, items: bytes) -> None:
        assert 1 <= number <= len(self.places), (number, len(self.places))
        place = self.places[number - 1]
        if uid := re.search(rb"\bUID (\d+)", items):
            assert place.uid in (None, int(uid[1])), (place.uid, items)
            place.uid = int(uid[1])
        if flags := re.search(rb"\bFLAGS \(([^)]*)\)", items):
            place.flags = frozenset(flags[1].split()) - {b"\\Recent"}
        if modseq := re.search(rb"\bMODSEQ \((\d+)\)", items):
            assert int(modseq[1]) >= place.modseq, (place.modseq, items)
            place.modseq = int(modseq[1])

    def close(self) -> None:
        self._writer.close()
