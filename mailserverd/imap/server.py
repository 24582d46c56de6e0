"""The IMAP engine: octets to commands, one in flight, answers in order.

Standing rules: of twisted.mail's server only the type is kept, no octet reaches its parsing or dispatch; a command
runs by hand until it suspends; input that waits for it is bounded by pausing the transport; nothing is written past
what the client takes but the rest of one batch; STARTTLS throws away what came before TLS (RFC 9051 §6.2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.logger import Logger
from twisted.mail import imap4
from twisted.python.failure import Failure
from zope.interface import implementer

from mailserverd.accounts.login import Peer
from mailserverd.connection.end import close
from mailserverd.connection.prompt_write import write_now
from mailserverd.connection.unsent import forget_waiting, waiting_octets
from mailserverd.imap.capabilities import append_limit, capabilities
from mailserverd.imap.commands.append import why_not
from mailserverd.imap.commands.table import RUNNERS
from mailserverd.imap.input import Input
from mailserverd.imap.leaving import leave
from mailserverd.imap.patience import Patience
from mailserverd.imap.reply import Refused, Reply, bad, no, reply_to_error, syntax_reply
from mailserverd.imap.selected import Selected
from mailserverd.imap.session import Session
from mailserverd.imap.turns import FLOOD_SECONDS, HEAVY, TURN_SECONDS
from mailserverd.model.errors import Damaged, StoreError
from mailserverd.model.message import PAGE_OCTETS
from mailserverd.wire.imap.command.append import Append
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.syntax_error import BadSyntax
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS, Command, States, Verb

if TYPE_CHECKING:
    from mailserverd.imap.factory import ImapFactory

_HELD_INPUT_OCTETS = 131_072
_BEFORE_LOGIN_OCTETS = 16_384
_BUG = no(b"The server failed at this command; it is logged", b"SERVERBUG")
log = Logger()


@implementer(IPushProducer)
class ImapServer(imap4.IMAP4Server):
    """One connection. factory: an ImapFactory."""

    factory: ImapFactory
    transport: Any
    clock: Any

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def connectionMade(self) -> None:
        factory, transport = self.factory, self.transport
        self.clock = factory.clock
        self.paused = False
        self._coroutine: Coroutine[Any, Any, Reply | None] | None = None
        self._asked: Callable[[Reply | None], None] | None = None
        self._verb: Verb | None = None
        self._started = 0.0
        self._turn_ends = 0.0
        self._line: Deferred[bytes] | None = None
        self._drain: Deferred[None] | None = None
        self._news_told = False
        self._bad = 0
        self._last_words = b""
        self._input_paused = self._pumping = self._yielded = self._lost = self._admitted = False
        host = getattr(transport.getPeer(), "host", "")
        tls = ISSLTransport.providedBy(transport)
        self.session = Session(self, factory.services, Peer(host, tls, "imap", factory.session_ids.next()))
        self._input = Input(self)
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
        reason = factory.connections.admit(factory.listener, host)
        if reason is not None and tls:  # a handshake would cost more than the session, and might never come
            self.session.closing = True
            transport.abortConnection()
            return
        if reason is not None:
            transport.write(b"* BYE [UNAVAILABLE] %b\r\n" % reason.encode("ascii"))
            self.session.closing = True
            transport.loseConnection()
            return
        self._admitted = True
        log.info("connected", session=self.session.peer.session, listener=factory.listener, address=host)
        factory.sessions.add(self)
        transport.registerProducer(self, True)
        self._patience = Patience(self, self.clock, factory.services.settings)
        self.write(b"* OK [CAPABILITY %b] %b ready\r\n" % (capabilities(self.session), factory.hostname))

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:
        self._lost = True
        if self._admitted:
            self._admitted = False
            self.factory.sessions.discard(self)
            self.factory.connections.leave(self.factory.listener, self.session.peer.address)
            self.factory.services.unsent.goes_on(self)
            log.info("disconnected", session=self.session.peer.session, clean=bool(reason.check(ConnectionDone)))
            self._patience.end()
        self.session.closing = True
        self._input.drop()
        if self.paused:
            forget_waiting(self.transport)
        line, self._line = self._line, None
        drain, self._drain = self._drain, None
        for waiting in (line, drain):
            if waiting is not None:
                waiting.errback(reason)
        if self._coroutine is None:
            self._forget()
        self.factory.gone()

    def _forget(self) -> None:
        """The last of a session: what it announced as recent is taken for good."""
        if self.session.selected is not None:
            gone = Deferred.fromCoroutine(leave(self.session))
            gone.addErrback(lambda failure: log.failure("could not leave a mailbox", failure))

    # Input.

    def dataReceived(self, data: bytes) -> None:
        if self.session.closing and self._coroutine is None:
            return
        if self.session.login is not None:  # single octets don't lengthen the time for logging in
            self._patience.heard()
        self._input.add(data)
        self._pump()
        if self.paused:
            self.factory.services.unsent.stalls(self)

    def lineReceived(self, line: bytes) -> None:
        """Never reached: dataReceived is ours."""
        self.abort()

    def rawDataReceived(self, data: bytes) -> None:
        """Never reached either."""
        self.abort()

    def dispatchCommand(self, tag: bytes, cmd: bytes, rest: bytes, uid: object = None) -> None:
        """Never reached either."""
        self.abort()

    def _pump(self) -> None:
        """Take from the input what can be taken now."""
        if self._pumping:
            return
        self._pumping = True
        ends = perf_counter() + FLOOD_SECONDS
        try:
            while self._may_take() and self._input.take():
                if self._started > ends:  # other sessions have their turn
                    self._yielded = True
                    self.factory.turns.next().addCallback(self._turn_again)
        finally:
            self._pumping = False
        held = self._input.settle()
        if held > _HELD_INPUT_OCTETS and not self._may_take():
            if not self._input_paused and not self._lost:
                self._input_paused = True
                self.transport.pauseProducing()
        elif self._input_paused and not self._lost:
            self._input_paused = False
            self.transport.resumeProducing()

    def _turn_again(self, _: None) -> None:
        self._yielded = False
        if not self._lost:
            self._pump()

    def _may_take(self) -> bool:
        if self._yielded:
            return False
        if self._coroutine is not None:
            return self._line is not None
        return not self.paused and not self.session.closing

    # What Input asks of us.

    @property
    def line_limit(self) -> int:
        limit = self.factory.services.settings.imap.max_line_bytes
        return limit if self.session.login is not None else min(limit, _BEFORE_LOGIN_OCTETS)

    @property
    def literal_limit(self) -> int:
        limit = self.factory.services.settings.imap.max_literal_bytes
        return limit if self.session.login is not None else min(limit, _BEFORE_LOGIN_OCTETS)

    @property
    def append_limit(self) -> int:
        """0: no APPEND in this state."""
        return append_limit(self.session) if self.session.login is not None else 0

    @property
    def is_at_work(self) -> bool:
        """A command is in flight and does not wait for the client."""
        return self._coroutine is not None and self._line is None

    @property
    def wants_line(self) -> bool:
        return self._line is not None

    def got_line(self, line: bytes) -> None:
        waiting, self._line = self._line, None
        assert waiting is not None
        waiting.callback(line)

    def refuse(self, tag: bytes, reply: Reply) -> None:
        self.write(reply.line(tag))
        self._count(reply)

    def goodbye(self, text: bytes) -> None:
        """Once the command in flight is answered; in IDLE at once."""
        if self.is_at_work:
            self._last_words = self._last_words or text
        elif not self.session.closing:
            self.write(b"* BYE %b\r\n" % text)
            self._close()

    def command(self, tag: bytes, text: bytes, after_tag: int) -> None:
        """A whole command; its verb begins at after_tag."""
        end = text.find(b" ", after_tag)
        if end < 0:
            end = len(text)
        name = text[after_tag:end].upper()
        verbs = VERBS
        if name == b"UID":
            verbs, after_tag = UID_VERBS, end + 1
            end = text.find(b" ", after_tag)
            if end < 0:
                end = len(text)
            name = text[after_tag:end].upper()
        verb = verbs.get(name)
        if verb is None:
            self.refuse(tag, bad(b"Unknown command"))
            return
        if not verb.states & self.session.state:
            self.refuse(tag, bad(b"Log in first" if self.session.login is None else b"Not in this state"))
            return
        try:
            value = verb.parse(Cursor(text, end))
        except BadSyntax as error:
            self.refuse(tag, syntax_reply(error))
            return
        self.run(tag, verb, value)

    def append(self, tag: bytes, value: Append) -> None:
        self.run(tag, VERBS[b"APPEND"], value)

    def ask(self, value: Append, then: Callable[[Reply | None], None]) -> None:
        self._asked = then
        self._verb = VERBS[b"APPEND"]
        self._turn_ends = perf_counter() + TURN_SECONDS
        self._coroutine = why_not(self.session, value)
        self._advance()

    # One command.

    def run(self, tag: bytes, verb: Verb, value: Command) -> None:
        self.session.tag = tag
        self._verb = verb
        self._started = perf_counter()
        self._turn_ends = self._started + TURN_SECONDS
        coroutine = RUNNERS[verb.name](self.session, value)
        if verb.name in HEAVY and self.factory.turns.is_full():
            coroutine = self._in_turn(coroutine)
        self._coroutine = coroutine
        self._advance()

    async def _in_turn(self, work: Coroutine[Any, Any, Reply]) -> Reply:
        try:
            await self.factory.turns.next(begun=False)
            if self._lost:
                raise ConnectionDone
            return await work
        finally:
            work.close()

    def _advance(self, failed: Failure | None = None) -> None:
        """Run the command until it suspends or ends. failed: what it waited for did."""
        try:
            self._step(failed)
        finally:
            if failed is not None:
                failed.cleanFailure()  # it would hold what the command held until the garbage is collected

    def _step(self, failed: Failure | None) -> None:
        coroutine = self._coroutine
        assert coroutine is not None
        try:
            waiting = coroutine.send(None) if failed is None else failed.throwExceptionIntoGenerator(coroutine)
        except StopIteration as stop:
            self._finish(stop.value)
        except Refused as refused:
            self._finish(refused.reply)
        except BadSyntax as error:
            self._finish(syntax_reply(error))
        except StoreError as error:
            if isinstance(error, Damaged):
                log.error("a message cannot be read: {why}", why=str(error), session=self.session.peer.session)
            self._finish(reply_to_error(error))
        except Exception:
            if self._lost:
                self._finish(_BUG)
                return
            log.failure("an IMAP command failed", session=self.session.peer.session, verb=self._verb_name())
            self._finish(_BUG)
        else:
            waiting.addBoth(self._woken)

    def _woken(self, result: object) -> None:
        # The coroutine reads a result from the Deferred itself; a failure it cannot read while callbacks run.
        self._turn_ends = perf_counter() + TURN_SECONDS
        self._advance(result if isinstance(result, Failure) else None)
        self._pump()

    def _verb_name(self) -> str:
        return self._verb.name if self._verb is not None else ""

    def _finish(self, reply: Reply | None) -> None:
        session, verb = self.session, self._verb
        assert verb is not None
        self._coroutine = None
        then, self._asked = self._asked, None
        if session.upload is not None:
            session.upload.close()
            session.upload = None
        if self._lost:
            self._forget()
            return
        if then is not None:
            then(reply)
            if self._last_words:
                self.goodbye(self._last_words)
            return
        assert reply is not None
        selected = session.selected
        if selected is not None and not self._news_told:
            try:
                session.send(selected.pending_updates(verb.may_expunge, verb.name.startswith("UID")))
            except Exception:
                log.failure("could not tell the news of a mailbox", session=session.peer.session)
            if selected.has_untold:
                self._coroutine = self._tell_rest(selected, reply)
                self._advance()
                return
        self._news_told = False
        if verb.states is States.NOT_AUTHENTICATED and session.login is not None:
            self._patience.heard()
        session.send(reply.line(session.tag))
        session.flush()
        self.factory.latency[verb.name].observe(perf_counter() - self._started)
        if verb.name in HEAVY:
            self.factory.turns.worked()
        if session.wants_tls:
            self._start_tls()
        elif session.closing:
            self._close()
        elif self._last_words:
            self.goodbye(self._last_words)
        else:
            self._count(reply)

    async def _tell_rest(self, selected: Selected, reply: Reply) -> Reply:
        """The flags of many messages, before the tagged answer: a part at a time, as the client takes it. What comes
        meanwhile waits for the next command, so that this one ends."""
        session, verb = self.session, self._verb
        assert verb is not None
        with_uid = verb.name.startswith("UID")
        self._news_told = True
        for _ in range(selected.parts_untold):
            session.flush()
            await session.drained()
            session.send(selected.pending_updates(False, with_uid))
        return reply

    def _count(self, reply: Reply) -> None:
        """Only bad commands in a row end a connection."""
        if reply.status != b"BAD":
            self._bad = 0
            return
        self._bad += 1
        if self._bad >= self.factory.services.settings.imap.max_bad_commands:
            self.goodbye(b"Too many bad commands")

    def _start_tls(self) -> None:
        session = self.session
        session.wants_tls = False
        self._input.drop()  # RFC 9051 §6.2.1: nothing that came in the clear counts any more
        session.peer = session.peer._replace(tls=True)
        self.transport.startTLS(self.factory.tls)

    # Output.

    def write(self, octets: bytes) -> None:
        if octets and not self._lost:
            self._patience.last_output = self.clock.seconds()
            write_now(self.transport, octets)

    def pauseProducing(self) -> None:
        """The transport holds enough."""
        if not self.paused:
            self.paused = True
            self._patience.stalls()
        self.factory.services.unsent.stalls(self)

    def resumeProducing(self) -> None:
        if self._lost:
            return
        self.paused = False
        self.factory.services.unsent.goes_on(self)
        drain, self._drain = self._drain, None
        if drain is not None:
            drain.callback(None)
        elif self.session.idling:
            self.updates_waiting()
        else:
            self._pump()

    def stopProducing(self) -> None:
        """The connection goes; connectionLost follows."""

    async def drained(self) -> None:
        while self.paused:
            if self._lost:
                raise ConnectionDone
            if self._drain is None:
                self._drain = Deferred()
            await self._drain

    async def turn(self) -> None:
        turns = self.factory.turns
        if turns.is_over() or perf_counter() > self._turn_ends:
            await turns.next()
        if self._lost:
            raise ConnectionDone

    async def next_line(self) -> bytes:
        if self._lost:
            raise ConnectionDone
        waiting: Deferred[bytes] = Deferred()
        self._line = waiting
        return await waiting

    def updates_waiting(self) -> None:
        """In IDLE: tell the news at once."""
        session = self.session
        if session.idling and session.selected is not None and not self.paused and not self._lost:
            self.write(session.selected.pending_updates(True))
            if session.selected.has_untold and not self.paused:
                self.clock.callLater(0, self.updates_waiting)

    def can_start_tls(self) -> bool:
        return self.factory.tls is not None and not self.session.peer.tls

    def idle_begins(self) -> None:
        self._patience.idles()

    # The end.

    def _close(self) -> None:
        self.session.closing = True
        self._input.drop()
        if not self._lost:
            self._patience.closes()
            self.transport.unregisterProducer()
            close(self.transport)

    @property
    def name(self) -> str:
        return self.session.peer.session

    def held_octets(self) -> int:
        held = waiting_octets(self.transport) + self._input.waiting + self.session.queued_octets
        fetching = self._coroutine is not None and self._verb_name().endswith("FETCH")
        return held + PAGE_OCTETS if fetching else held  # the rows that are being answered

    def drop(self) -> None:
        self.abort()
        forget_waiting(self.transport)

    def abort(self) -> None:
        self.session.closing = True
        if not self._lost:
            self.transport.abortConnection()
