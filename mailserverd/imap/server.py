"""The IMAP connection: octets in, one command in flight, answers out in their order; TLS, back-pressure, the end.

Standing rules: of twisted.mail's server only the type is kept, no octet reaches its parsing or dispatch; input that
waits for a command is bounded by pausing the transport; nothing is written past what the client takes but the rest of
one batch; STARTTLS throws away what came before TLS (RFC 9051 §6.2.1).
"""

from __future__ import annotations

from collections.abc import Callable
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
from mailserverd.imap.capabilities import capabilities
from mailserverd.imap.commands.append import why_not
from mailserverd.imap.commands.table import RUNNERS
from mailserverd.imap.in_flight import InFlight
from mailserverd.imap.input import Input
from mailserverd.imap.leaving import leave
from mailserverd.imap.news import tell, tell_rest
from mailserverd.imap.patience import Patience
from mailserverd.imap.reply import Reply, bad, syntax_reply
from mailserverd.imap.session import Session
from mailserverd.imap.turns import FLOOD_SECONDS, HEAVY
from mailserverd.model.message import PAGE_OCTETS
from mailserverd.wire.imap.command.append import Append
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.syntax_error import BadSyntax
from mailserverd.wire.imap.verbs import VERBS, States, verb_at

if TYPE_CHECKING:
    from mailserverd.imap.factory import ImapFactory

_HELD_INPUT_OCTETS = 131_072
log = Logger()


@implementer(IPushProducer)
class ImapServer(imap4.IMAP4Server):
    """One connection. factory: an ImapFactory."""

    factory: ImapFactory
    transport: Any
    clock: Any
    paused = False  # by a client that does not read
    _admitted = False
    _lost = False
    _input_paused = False
    _pumping = False  # in _pump
    _yielded = False  # to other sessions, for a turn
    _asked: Callable[[Reply | None], None] | None = None  # what is in flight is a question of Input's
    _news_told = False  # before the answer of the command in flight
    _bad = 0  # commands in a row
    _last_words = b""  # what ends the session as soon as no command is in flight

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def connectionMade(self) -> None:
        factory, transport = self.factory, self.transport
        self.clock = factory.clock
        host = getattr(transport.getPeer(), "host", "")
        tls = ISSLTransport.providedBy(transport)
        self.session = Session(self, factory.services, Peer(host, tls, "imap", factory.session_ids.next()))
        self._in_flight = InFlight(self.session, factory.turns, self._ended, self._pump)
        self._input = Input(self)
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
        reason = factory.connections.admit(factory.listener, host)
        if reason is None:
            self._greet(host)
            return
        self.session.closing = True
        if tls:  # a handshake would cost more than the session, and might never come
            transport.abortConnection()
        else:
            transport.write(b"* BYE [UNAVAILABLE] %b\r\n" % reason.encode("ascii"))
            transport.loseConnection()

    def _greet(self, host: str) -> None:
        factory = self.factory
        self._admitted = True
        log.info("connected", session=self.session.peer.session, listener=factory.listener, address=host)
        factory.sessions.add(self)
        self.transport.registerProducer(self, True)
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
        self._in_flight.client_is_gone(reason)
        if self._in_flight.work is None:
            self._forget()
        self.factory.gone()

    def _forget(self) -> None:
        """The last of a session: what it announced as recent is taken for good."""
        if self.session.selected is not None:
            gone = Deferred.fromCoroutine(leave(self.session))
            gone.addErrback(lambda failure: log.failure("could not leave a mailbox", failure))

    # Input.

    def dataReceived(self, data: bytes) -> None:
        if self.session.closing and self._in_flight.work is None:
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
                if self._in_flight.began > ends:  # other sessions have their turn
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
        if self._in_flight.work is not None:
            return self._in_flight.line is not None
        return not self.paused and not self.session.closing

    # What Input asks of us.

    @property
    def is_at_work(self) -> bool:
        """A command is in flight and does not wait for the client."""
        return self._in_flight.work is not None and self._in_flight.line is None

    @property
    def wants_line(self) -> bool:
        return self._in_flight.line is not None

    def got_line(self, line: bytes) -> None:
        self._in_flight.got_line(line)

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
        verb, end = verb_at(text, after_tag)
        if verb is None:
            self.refuse(tag, bad(b"Unknown command"))
            return
        session = self.session
        if not verb.states & session.state:
            self.refuse(tag, bad(b"Log in first" if session.login is None else b"Not in this state"))
            return
        try:
            value = verb.parse(Cursor(text, end))
        except BadSyntax as error:
            self.refuse(tag, syntax_reply(error))
            return
        session.tag = tag
        self._in_flight.begin(verb, RUNNERS[verb.name](session, value))

    def append(self, tag: bytes, value: Append) -> None:
        verb, session = VERBS[b"APPEND"], self.session
        session.tag = tag
        self._in_flight.begin(verb, RUNNERS[verb.name](session, value))

    def ask(self, value: Append, then: Callable[[Reply | None], None]) -> None:
        self._asked = then
        self._in_flight.begin(VERBS[b"APPEND"], why_not(self.session, value))

    # The end of a command.

    def _ended(self, reply: Reply | None) -> None:
        session, verb = self.session, self._in_flight.verb
        assert verb is not None
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
        if not self._news_told and tell(session, verb):
            self._news_told = True
            self._in_flight.go_on_with(tell_rest(session, verb, reply))
            return
        self._news_told = False
        if verb.states is States.NOT_AUTHENTICATED and session.login is not None:
            self._patience.heard()
        session.send(reply.line(session.tag))
        session.flush()
        self.factory.latency[verb.name].observe(perf_counter() - self._in_flight.began)
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
        if self._in_flight.client_reads():
            return
        if self.session.idling:
            self.updates_waiting()
        else:
            self._pump()

    def stopProducing(self) -> None:
        """The connection goes; connectionLost follows."""

    async def drained(self) -> None:
        await self._in_flight.drained()

    async def turn(self) -> None:
        await self._in_flight.turn()

    async def next_line(self) -> bytes:
        return await self._in_flight.next_line()

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
        verb = self._in_flight.verb
        fetching = self._in_flight.work is not None and verb is not None and verb.name.endswith("FETCH")
        return held + PAGE_OCTETS if fetching else held  # the rows that are being answered

    def drop(self) -> None:
        self.abort()
        forget_waiting(self.transport)

    def abort(self) -> None:
        self.session.closing = True
        if not self._lost:
            self.transport.abortConnection()
