"""A POP3 session: a line in, a reply out, at once or as a coroutine; the commands before and after the transaction.

Standing rules: every line is answered, in order (the server hands over the next one after the last answer); a name
or password is never logged or repeated; an error of ours is [SYS/TEMP] or [SYS/PERM] and logged, and leaves the
session alive unless half a message is out already.
"""

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from mailserverd.accounts.login import Login, LoginFailure, Peer
from mailserverd.accounts.sasl_exchange import Reply, SaslExchange, ServerChallenge
from mailserverd.model.errors import Damaged, NotFound, StoreError
from mailserverd.model.identifiers import AccountId
from mailserverd.pop3.maildrop import Maildrop
from mailserverd.pop3.services import Pop3Services
from mailserverd.pop3.transaction import (
    COMMANDS,
    NO_ARGUMENT,
    NO_SUCH,
    RANGE_OCTETS,
    Answer,
    Later,
    Sending,
    Transaction,
)
from mailserverd.wire.pop3 import reply
from mailserverd.wire.pop3.command import parse_command
from mailserverd.wire.sasl.steps import ChannelBinding

log = Logger()

_LOGIN_FIRST = reply.err("log in first")
_UNKNOWN = reply.err("unknown command")
_TLS_FIRST = reply.err("log in over TLS: send STLS first", "AUTH")


class Wire(Sending, Protocol):
    """The connection under a session."""

    def start_tls(self) -> None:
        """Everything received before the handshake is forgotten."""
        ...

    def channel_binding(self) -> ChannelBinding | None: ...

    def hang_up(self) -> None:
        """Close when what was sent is out."""
        ...


class Session:
    """peer: the other end. bad_commands: how many lines in a row were answered -ERR (see Pop3.max_bad_commands)."""

    __slots__ = (
        "_account_id",
        "_closed",
        "_exchange",
        "_services",
        "_timestamp",
        "_transaction",
        "_user",
        "_utf8",
        "_wire",
        "bad_commands",
        "login",
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
        self._transaction: Transaction | None = None
        self._account_id: AccountId | None = None
        self.login: Login | None = None
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
        transaction = self._transaction
        if transaction is not None:
            within = COMMANDS.get(verb)
            if within is not None:
                self.verb = within[0]
                return within[1](transaction, argument)
        command = (_BEFORE_LOGIN if transaction is None else _AFTER_LOGIN).get(verb)
        if command is not None:
            self.verb = command[0]
            return command[1](self, argument)
        self.verb = "other"
        return _LOGIN_FIRST if verb in COMMANDS and transaction is None else _UNKNOWN

    def held_octets(self) -> int:
        """Of stored mail, for a client that does not read."""
        transaction = self._transaction
        return transaction.drop.held_octets() + RANGE_OCTETS if transaction is not None else 0

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
            return NO_SUCH
        except StoreError as error:
            log.warn("the store refused: {why}", why=str(error), session=self.peer.session)
            return reply.err("the mail store cannot do this now, try again later", "SYS/TEMP")

    def close(self) -> None:
        """The connection is gone: without QUIT nothing is removed (RFC 1939 §6)."""
        self._closed = True
        self._transaction = None
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
        if not self.peer.tls and self._transaction is None:
            names.append(b"STLS")  # RFC 2595 §4: only in the AUTHORIZATION state
        names.append(b"IMPLEMENTATION mailserverd")
        return reply.lines("Capability list follows", names)

    def stls(self, argument: bytes) -> bytes:
        """RFC 2595 §4."""
        if argument:
            return NO_ARGUMENT
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
            return NO_ARGUMENT
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
        self.login = result
        try:
            mail = await self._services.store.open(account_id)
            drop = await Maildrop.open(mail, self._breathe)
            messages, octets = await drop.total()
        except BaseException:
            self._unlock()
            raise
        if not self._closed:
            self._transaction = Transaction(self._wire, drop)
        log.info("inbox locked", session=self.peer.session, account=result.account.address, messages=messages)
        return reply.ok(f"{messages} messages ({octets} octets)")

    def _breathe(self) -> Deferred[None]:
        return deferLater(self._services.clock, 0)

    # UPDATE state

    def leave(self, argument: bytes) -> bytes:
        self.close()  # before the reply, for the client may come back at once
        self._wire.send(reply.ok("Bye"))
        self._wire.hang_up()
        return b""

    def quit(self, argument: bytes) -> Answer:
        transaction = self._transaction
        if transaction is None or not transaction.drop.deleted:
            return self.leave(argument)
        return self._update(transaction.drop)

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


_BEFORE_LOGIN: dict[bytes, tuple[str, Callable[[Session, bytes], Answer]]] = {
    b"CAPA": ("CAPA", Session.capa),
    b"STLS": ("STLS", Session.stls),
    b"UTF8": ("UTF8", Session.utf8),
    b"USER": ("USER", Session.user),
    b"PASS": ("PASS", Session.pass_),
    b"APOP": ("APOP", Session.apop),
    b"AUTH": ("AUTH", Session.auth),
    b"QUIT": ("QUIT", Session.leave),
}
_AFTER_LOGIN: dict[bytes, tuple[str, Callable[[Session, bytes], Answer]]] = {
    b"CAPA": ("CAPA", Session.capa),
    b"QUIT": ("QUIT", Session.quit),
}
