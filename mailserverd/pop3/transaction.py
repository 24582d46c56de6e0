"""The commands of the TRANSACTION state: everything on the messages of one locked inbox (RFC 1939 §5, §7).

Standing rules: what is in memory is answered at once, what the store has to be asked for comes from a coroutine; a
large message is read a piece at a time, as the client takes it.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from mailserverd.model.errors import StoreError
from mailserverd.model.message import Fields
from mailserverd.pop3.maildrop import Large, Maildrop
from mailserverd.wire.pop3 import reply
from mailserverd.wire.pop3.command import parse_number, parse_two_numbers

RANGE_OCTETS = 256 * 1024
Later = Coroutine[Deferred[Any], Any, bytes]
Answer = bytes | Later

NO_SUCH = reply.err("no such message")
NO_ARGUMENT = reply.err("no argument is wanted")
_NUMBER_WANTED = reply.err("a message number is wanted")


class Sending(Protocol):
    """The part of a connection that a long reply needs."""

    def send(self, octets: bytes) -> None: ...

    def drained(self) -> Deferred[None] | None:
        """None where the client keeps up; else fires when it has read enough for more. Raises Broken: it is gone."""
        ...


class Broken(Exception):
    """Half of a reply is out and the rest cannot come: the connection has to go."""


class Transaction:
    __slots__ = ("_wire", "drop")

    def __init__(self, wire: Sending, drop: Maildrop) -> None:
        self._wire = wire
        self.drop = drop

    def stat(self, argument: bytes) -> Answer:
        return NO_ARGUMENT if argument else self._stat()

    async def _stat(self) -> bytes:
        return b"+OK %d %d\r\n" % await self.drop.total()

    def list(self, argument: bytes) -> Answer:
        if not argument:
            return self._list()
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        return self._list_one(number) if self.drop.has(number) else NO_SUCH

    async def _list(self) -> bytes:
        rows = await self.drop.size_lines()
        return reply.lines(f"{len(rows)} messages", rows)

    async def _list_one(self, number: int) -> bytes:
        return b"+OK %d %d\r\n" % (number, await self.drop.size(number))

    def uidl(self, argument: bytes) -> bytes:
        if not argument:
            return reply.lines("Unique ids follow", self.drop.uidl_lines())
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        return b"+OK %d %b\r\n" % (number, self.drop.uidl(number)) if self.drop.has(number) else NO_SUCH

    def retr(self, argument: bytes) -> Answer:
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        if not self.drop.has(number):
            return NO_SUCH
        ready = self.drop.ready(number)
        return ready if isinstance(ready, bytes) else self._retr(number, ready)

    async def _retr(self, number: int, found: Large | None) -> bytes:
        message = found or await self.drop.read(number)
        return message if isinstance(message, bytes) else await self._send_large(message)

    async def _send_large(self, message: Large) -> bytes:
        """A piece at a time, each read when the client has taken the one before."""
        stuffing = reply.Stuffing()
        piece = await self.drop.mail.octets(message.email_id, 0, RANGE_OCTETS)
        self._wire.send(b"+OK %d octets\r\n" % message.size)
        start = 0
        while True:
            self._wire.send(stuffing.piece(piece))
            start += len(piece)
            if start >= message.size or not piece:
                break
            await self._drained()
            piece = await self._piece(message, start)
        if start < message.size:
            raise Broken("the message ends early")
        return stuffing.end()

    async def _piece(self, message: Large, start: int) -> bytes:
        try:
            return await self.drop.mail.octets(message.email_id, start, min(start + RANGE_OCTETS, message.size))
        except StoreError as error:
            raise Broken(str(error)) from error

    async def _drained(self) -> None:
        waiting = self._wire.drained()
        if waiting is not None:
            await waiting

    def top(self, argument: bytes) -> Answer:
        numbers = parse_two_numbers(argument)
        if numbers is None:
            return reply.err("a message number and a number of lines are wanted")
        return self._top(*numbers) if self.drop.has(numbers[0]) else NO_SUCH

    async def _top(self, number: int, count: int) -> bytes:
        """RFC 1939 §7: the header, the empty line, and the first `count` lines of the body."""
        row = await self.drop.row(number, Fields.HEADER)
        whole = row.header_is_whole
        if whole and (not count or row.header_octets >= row.size):
            return reply.message(row.header)
        stuffing = reply.Stuffing()
        large = Large(row)
        start = b"+OK top of the message follows\r\n"
        if whole:
            self._wire.send(start + stuffing.piece(row.header))
        else:
            self._wire.send(start)
            await self._large_header(large, row.header_octets, stuffing)
        at = row.header_octets
        while count and at < row.size:
            piece = await self._piece(large, at)
            if not piece:
                raise Broken("the message ends early")
            if piece[-1:] == b"\r" and at + len(piece) < row.size:
                piece = piece[:-1] or piece  # never part a CRLF, so that lines are counted once
            at += len(piece)
            wanted, count = reply.first_lines(piece, count)
            self._wire.send(stuffing.piece(wanted))
            await self._drained()
        return stuffing.end()

    async def _large_header(self, message: Large, octets: int, stuffing: reply.Stuffing) -> None:
        start = 0
        while start < octets:
            piece = (await self._piece(message, start))[: octets - start]
            if not piece:
                raise Broken("the message ends early")
            start += len(piece)
            self._wire.send(stuffing.piece(piece))
            await self._drained()

    def dele(self, argument: bytes) -> bytes:
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        if not self.drop.has(number):
            return NO_SUCH
        self.drop.delete(number)
        return reply.ok("deleted at QUIT")

    def rset(self, argument: bytes) -> bytes:
        self.drop.deleted.clear()
        return reply.OK

    def noop(self, argument: bytes) -> bytes:
        return reply.OK


COMMANDS: dict[bytes, tuple[str, Callable[[Transaction, bytes], Answer]]] = {
    b"RETR": ("RETR", Transaction.retr),
    b"DELE": ("DELE", Transaction.dele),
    b"UIDL": ("UIDL", Transaction.uidl),
    b"LIST": ("LIST", Transaction.list),
    b"STAT": ("STAT", Transaction.stat),
    b"TOP": ("TOP", Transaction.top),
    b"NOOP": ("NOOP", Transaction.noop),
    b"RSET": ("RSET", Transaction.rset),
}
"""verb -> (its name for the metrics, what answers it)"""
