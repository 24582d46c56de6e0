"""A POP3 session's commands: a line in, a reply out, at once or as a coroutine where the store has to be asked.

Standing rules: every line is answered, in order (the server hands over the next one after the last answer); a name
or password is never logged or repeated; an error of ours is [SYS/TEMP] or [SYS/PERM] and logged, and leaves the
session alive unless half a message is out already.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from mailserverd.accounts.login import Login, LoginFailure, Peer
from mailserverd.accounts.sasl_exchange import Reply, SaslExchange, ServerChallenge
from mailserverd.model.errors import Damaged, NotFound, StoreError
from mailserverd.model.identifiers import AccountId
from mailserverd.model.message import Fields
from mailserverd.pop3.maildrop import Large, Maildrop
from mailserverd.pop3.services import Pop3Services
from mailserverd.wire.pop3 import reply
from mailserverd.wire.pop3.command import parse_command, parse_number, parse_two_numbers
from mailserverd.wire.sasl.steps import ChannelBinding

RANGE_OCTETS = 256 * 1024
Later = Coroutine[Deferred[Any], Any, bytes]
Answer = bytes | Later
log = Logger()

_NO_SUCH = reply.err("no such message")
_NUMBER_WANTED = reply.err("a message number is wanted")
_NO_ARGUMENT = reply.err("no argument is wanted")
_LOGIN_FIRST = reply.err("log in first")
_UNKNOWN = reply.err("unknown command")
_TLS_FIRST = reply.err("log in over TLS: send STLS first", "AUTH")


class Wire(Protocol):
    """The connection under a session."""

    def send(self, octets: bytes) -> None: ...

    def drained(self) -> Deferred[None] | None:
        """None where the client keeps up; else fires when it has read enough for more."""
        ...

    def start_tls(self) -> None:
        """Everything received before the handshake is forgotten."""
        ...

    def channel_binding(self) -> ChannelBinding | None: ...

    def hang_up(self) -> None:
        """Close when what was sent is out."""
        ...


class Broken(Exception):
    """Half of a reply is out and the rest cannot come: the connection has to go."""


class Session:
    """peer: the other end. bad_commands: how many lines in a row were answered -ERR (see Pop3.max_bad_commands)."""

    __slots__ = (
        "_account_id",
        "_closed",
        "_drop",
        "_exchange",
        "_services",
        "_timestamp",
        "_user",
        "_utf8",
        "_wire",
        "bad_commands",
        "peer",
        "verb",
    )

    def __init__(self, wire: Wire, services: Pop3Services, peer: Peer) -> None:
        self._wire = wire
        self._services = services
        self.peer = peer
        self.verb = ""
        self.bad_commands = 0
        self._timestamp = ""
        self._user: str | None = None
        self._exchange: SaslExchange | None = None
        self._drop: Maildrop | None = None
        self._account_id: AccountId | None = None
        self._utf8 = False
        self._closed = False

    # Lines

    def greeting(self) -> bytes:
        if self._services.settings().apop:
            self._timestamp = f"<{self._services.timestamp()}@{self._services.hostname}>"
            return reply.ok(f"{self._services.hostname} ready {self._timestamp}")
        return reply.ok(f"{self._services.hostname} ready")

    def handle(self, line: bytes) -> Answer:
        """The answer to a line, without its CRLF."""
        if self._exchange is not None:
            self.verb = "AUTH"
            return self._continue(self._exchange, line)
        verb, argument = parse_command(line)
        drop = self._drop
        if drop is not None:
            act = _IN_TRANSACTION.get(verb)
            if act is not None:
                self.verb = act[0]
                return act[1](self, drop, argument)
        else:
            before = _BEFORE_LOGIN.get(verb)
            if before is not None:
                self.verb = before[0]
                return before[1](self, argument)
        self.verb = "other"
        return _LOGIN_FIRST if verb in _IN_TRANSACTION and drop is None else _UNKNOWN

    def in_exchange(self) -> bool:
        return self._exchange is not None

    async def guarded(self, later: Later) -> bytes:
        """What a coroutine of handle() gives, its errors turned into replies. Raises Broken."""
        try:
            return await later
        except Damaged as error:
            log.error("a message cannot be read: {why}", why=str(error), session=self.peer.session)
            return reply.err("the message is damaged; the administrator can see why in the log", "SYS/PERM")
        except NotFound:
            return _NO_SUCH
        except StoreError as error:
            log.warn("the store refused: {why}", why=str(error), session=self.peer.session)
            return reply.err("the mail store cannot do this now, try again later", "SYS/TEMP")

    def close(self) -> None:
        """The connection is gone: without QUIT nothing is removed (RFC 1939 §6)."""
        self._closed = True
        self._drop = None
        self._unlock()

    def _unlock(self) -> None:
        account_id, self._account_id = self._account_id, None
        if account_id is not None:
            self._services.locks.give_back(account_id)

    # AUTHORIZATION state

    def capa(self, argument: bytes = b"") -> bytes:
        """RFC 2449 §5, and what RFC 1734's successors added."""
        names = [b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING", b"UTF8 USER", b"EXPIRE NEVER"]
        mechanisms = self._services.authenticator.mechanisms(self.peer)
        if mechanisms:
            names += [b"USER", b"SASL " + " ".join(mechanisms).encode()]
        if not self.peer.tls and self._drop is None:
            names.append(b"STLS")  # RFC 2595 §4: only in the AUTHORIZATION state
        names.append(b"IMPLEMENTATION mailserverd")
        return reply.lines("Capability list follows", names)

    def stls(self, argument: bytes) -> bytes:
        """RFC 2595 §4."""
        if argument:
            return _NO_ARGUMENT
        if self.peer.tls:
            return reply.err("TLS is on already")
        if self._utf8:
            return reply.err("STLS comes before UTF8")  # RFC 6856 §2.1
        self._user = None  # RFC 2595 §4: nothing learnt in the clear is kept
        self._wire.send(reply.ok("Begin TLS"))
        self._wire.start_tls()
        self.peer = self.peer._replace(tls=True)
        return b""

    def utf8(self, argument: bytes) -> bytes:
        """RFC 6856 §2.1: messages are given as they are with and without it."""
        if argument:
            return _NO_ARGUMENT
        self._utf8 = True
        return reply.ok("UTF8 enabled")

    def user(self, argument: bytes) -> bytes:
        if not self._services.authenticator.allows(self.peer):
            return _TLS_FIRST
        name = argument.strip()
        if not name:
            return reply.err("a name is wanted")
        self._user = name.decode("utf-8", "replace")
        return reply.ok("Send PASS")

    def pass_(self, argument: bytes) -> Answer:
        if self._user is None:
            return reply.err("send USER first")
        login, self._user = self._user, None
        return self._by_password(login, argument)

    async def _by_password(self, login: str, password: bytes) -> bytes:
        return await self._admit(await self._services.authenticator.password(login, password, self.peer, "USER"))

    def apop(self, argument: bytes) -> Answer:
        """RFC 1939 §7: only with [pop3] apop, and only for accounts that have an APOP secret."""
        name, _, digest = argument.strip().rpartition(b" ")
        if not self._timestamp:
            return reply.err("APOP is off here")
        if not name or len(digest) != 32:
            return reply.err("a name and a digest are wanted")
        return self._by_apop(name.decode("utf-8", "replace"), digest)

    async def _by_apop(self, login: str, digest: bytes) -> bytes:
        authenticator = self._services.authenticator
        return await self._admit(await authenticator.apop(login, self._timestamp.encode(), digest, self.peer))

    def auth(self, argument: bytes) -> Answer:
        """RFC 5034 §4; without a mechanism it lists them, as old clients ask."""
        if not argument:
            mechanisms = self._services.authenticator.mechanisms(self.peer)
            return reply.lines("Mechanisms follow", [name.encode() for name in mechanisms])
        name, space, initial = argument.partition(b" ")
        exchange = self._services.authenticator.sasl(
            name.decode("ascii", "replace"), self._wire.channel_binding(), self.peer
        )
        if isinstance(exchange, LoginFailure):
            return self._refused(exchange)
        return self._begin(exchange, initial if space else None)

    async def _begin(self, exchange: SaslExchange, initial: bytes | None) -> bytes:
        return await self._after(exchange, await exchange.start(initial))

    async def _continue(self, exchange: SaslExchange, line: bytes) -> bytes:
        return await self._after(exchange, await exchange.step(line))

    async def _after(self, exchange: SaslExchange, result: Reply) -> bytes:
        if isinstance(result, ServerChallenge):
            self._exchange = exchange
            return b"+ %b\r\n" % result.line
        self._exchange = None
        return await self._admit(result)

    @staticmethod
    def _refused(failure: LoginFailure) -> bytes:
        return reply.err(failure.refusal.text, failure.refusal.pop3_code)

    async def _admit(self, result: Login | LoginFailure) -> bytes:
        """From a login to the TRANSACTION state: the lock, then the messages."""
        if isinstance(result, LoginFailure):
            return self._refused(result)
        if self._closed:
            return b""
        account_id = result.account.account_id
        if not self._services.locks.take(account_id):
            return reply.err("another POP3 session has this mailbox", "IN-USE")  # RFC 2449 §8.1.2
        self._account_id = account_id
        try:
            mail = await self._services.store.open(account_id)
            drop = await Maildrop.open(mail, self._breathe)
            messages, octets = await drop.total()
        except BaseException:
            self._unlock()
            raise
        if not self._closed:
            self._drop = drop
        log.info("inbox locked", session=self.peer.session, account=result.account.address, messages=messages)
        return reply.ok(f"{messages} messages ({octets} octets)")

    def _breathe(self) -> Deferred[None]:
        return deferLater(self._services.clock, 0)

    # TRANSACTION state

    def stat(self, drop: Maildrop, argument: bytes) -> Answer:
        return _NO_ARGUMENT if argument else self._stat(drop)

    async def _stat(self, drop: Maildrop) -> bytes:
        return b"+OK %d %d\r\n" % await drop.total()

    def list(self, drop: Maildrop, argument: bytes) -> Answer:
        if not argument:
            return self._list(drop)
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        return self._list_one(drop, number) if drop.has(number) else _NO_SUCH

    async def _list(self, drop: Maildrop) -> bytes:
        rows = await drop.size_lines()
        return reply.lines(f"{len(rows)} messages", rows)

    async def _list_one(self, drop: Maildrop, number: int) -> bytes:
        return b"+OK %d %d\r\n" % (number, await drop.size(number))

    def uidl(self, drop: Maildrop, argument: bytes) -> bytes:
        if not argument:
            return reply.lines("Unique ids follow", drop.uidl_lines())
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        return b"+OK %d %b\r\n" % (number, drop.uidl(number)) if drop.has(number) else _NO_SUCH

    def retr(self, drop: Maildrop, argument: bytes) -> Answer:
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        if not drop.has(number):
            return _NO_SUCH
        ready = drop.ready(number)
        return ready if isinstance(ready, bytes) else self._retr(drop, number, ready)

    async def _retr(self, drop: Maildrop, number: int, found: Large | None) -> bytes:
        message = found or await drop.read(number)
        return message if isinstance(message, bytes) else await self._send_large(drop, message)

    async def _send_large(self, drop: Maildrop, message: Large) -> bytes:
        """A piece at a time, each read when the client has taken the one before."""
        stuffing = reply.Stuffing()
        piece = await drop.mail.octets(message.email_id, 0, RANGE_OCTETS)
        self._wire.send(b"+OK %d octets\r\n" % message.size)
        start = 0
        while True:
            self._wire.send(stuffing.piece(piece))
            start += len(piece)
            if start >= message.size or not piece:
                break
            await self._drained()
            piece = await self._piece(drop, message, start)
        if start < message.size:
            raise Broken("the message ends early")
        return stuffing.end()

    async def _piece(self, drop: Maildrop, message: Large, start: int) -> bytes:
        try:
            return await drop.mail.octets(message.email_id, start, min(start + RANGE_OCTETS, message.size))
        except StoreError as error:
            raise Broken(str(error)) from error

    async def _drained(self) -> None:
        waiting = self._wire.drained()
        if waiting is not None:
            await waiting

    def top(self, drop: Maildrop, argument: bytes) -> Answer:
        numbers = parse_two_numbers(argument)
        if numbers is None:
            return reply.err("a message number and a number of lines are wanted")
        return self._top(drop, *numbers) if drop.has(numbers[0]) else _NO_SUCH

    async def _top(self, drop: Maildrop, number: int, count: int) -> bytes:
        """RFC 1939 §7: the header, the empty line, and the first `count` lines of the body."""
        row = await drop.row(number, Fields.HEADER)
        if not count or len(row.header) >= row.size:
            return reply.message(row.header)
        stuffing = reply.Stuffing()
        self._wire.send(b"+OK top of the message follows\r\n" + stuffing.piece(row.header))
        start, large = len(row.header), Large(row)
        while count and start < row.size:
            piece = await self._piece(drop, large, start)
            if not piece:
                raise Broken("the message ends early")
            if piece[-1:] == b"\r" and start + len(piece) < row.size:
                piece = piece[:-1] or piece  # never part a CRLF, so that lines are counted once
            start += len(piece)
            wanted, count = reply.first_lines(piece, count)
            self._wire.send(stuffing.piece(wanted))
            await self._drained()
        return stuffing.end()

    def dele(self, drop: Maildrop, argument: bytes) -> bytes:
        number = parse_number(argument.strip())
        if number is None:
            return _NUMBER_WANTED
        if not drop.has(number):
            return _NO_SUCH
        drop.delete(number)
        return reply.ok("deleted at QUIT")

    def rset(self, drop: Maildrop, argument: bytes) -> bytes:
        drop.deleted.clear()
        return reply.OK

    def noop(self, drop: Maildrop, argument: bytes) -> bytes:
        return reply.OK

    # UPDATE state

    def leave(self, argument: bytes) -> bytes:
        self.close()  # before the reply, for the client may come back at once
        self._wire.send(reply.ok("Bye"))
        self._wire.hang_up()
        return b""

    def quit(self, drop: Maildrop, argument: bytes) -> Answer:
        return self._update(drop) if drop.deleted else self.leave(argument)

    async def _update(self, drop: Maildrop) -> bytes:
        """RFC 1939 §6: whatever happens, the session ends and the lock goes."""
        deleted = len(drop.deleted)
        try:
            await drop.commit(self)
        except StoreError as error:
            log.error("deleted messages are kept: {why}", why=str(error), session=self.peer.session)
            answer = reply.err("the messages could not be removed, none is gone", "SYS/TEMP")
        else:
            log.info("messages removed", session=self.peer.session, messages=deleted)
            answer = reply.ok(f"{deleted} messages removed")
        self.close()
        self._wire.send(answer)
        self._wire.hang_up()
        return b""


Before = Callable[[Session, bytes], Answer]
Within = Callable[[Session, Maildrop, bytes], Answer]


def _capa_within(session: Session, drop: Maildrop, argument: bytes) -> bytes:
    return session.capa()


_BEFORE_LOGIN: dict[bytes, tuple[str, Before]] = {
    b"CAPA": ("CAPA", Session.capa),
    b"STLS": ("STLS", Session.stls),
    b"UTF8": ("UTF8", Session.utf8),
    b"USER": ("USER", Session.user),
    b"PASS": ("PASS", Session.pass_),
    b"APOP": ("APOP", Session.apop),
    b"AUTH": ("AUTH", Session.auth),
    b"QUIT": ("QUIT", Session.leave),
}
_IN_TRANSACTION: dict[bytes, tuple[str, Within]] = {
    b"RETR": ("RETR", Session.retr),
    b"DELE": ("DELE", Session.dele),
    b"UIDL": ("UIDL", Session.uidl),
    b"LIST": ("LIST", Session.list),
    b"STAT": ("STAT", Session.stat),
    b"TOP": ("TOP", Session.top),
    b"NOOP": ("NOOP", Session.noop),
    b"RSET": ("RSET", Session.rset),
    b"CAPA": ("CAPA", _capa_within),
    b"QUIT": ("QUIT", Session.quit),
}
