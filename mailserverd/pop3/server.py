"""The Twisted protocol under a POP3 session: lines, order, back-pressure, TLS, time-outs.

Standing rules: dataReceived and dispatch are ours whole, nothing of twisted.mail.pop3.POP3 but its place in the class
tree is used; replies to commands that came together leave together; while the client does not read, its commands are
not read either; octets that came before a TLS handshake are never taken for commands after it (RFC 2595 §4).
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.mail.pop3 import POP3
from twisted.python.failure import Failure

from mailserverd.accounts.channel_binding import channel_binding
from mailserverd.accounts.login import Peer
from mailserverd.connection.by_hand import begin
from mailserverd.connection.end import close
from mailserverd.connection.prompt_write import write_now
from mailserverd.connection.unsent import forget_waiting, waiting_octets
from mailserverd.model.account import Revoked
from mailserverd.pop3.services import Pop3Services
from mailserverd.pop3.session import Session
from mailserverd.pop3.transaction import Broken, Later
from mailserverd.wire.pop3 import reply
from mailserverd.wire.pop3.command import MAX_LINE_OCTETS, MAX_SASL_LINE_OCTETS
from mailserverd.wire.sasl.steps import ChannelBinding

MAX_INPUT_OCTETS = 64 * 1024
FLUSH_OCTETS = 256 * 1024
CLOSING_SECONDS = 60.0  # for a client to read the last reply
log = Logger()
_GOING_DOWN = reply.err("the server is shutting down", "SYS/TEMP")
_TOO_LONG = reply.err("line too long")
_TOO_MANY = reply.err("too many bad commands")


class Pop3Server(POP3):
    """listener: the name that connections are counted under. implicit_tls: the transport has TLS already."""

    _session: Session | None = None
    _buffer = b""
    _busy = False
    _ended = False
    _reading_paused = False
    _drained: Deferred[None] | None = None
    _choked = False
    _is_in = False
    _timer: IDelayedCall | None = None
    _heard = 0.0  # when the client last sent or took something; before the login, when it came
    _stalled = 0.0  # since when it takes nothing, where it is choked
    _pending: list[bytes] = []  # noqa: RUF012  the class's own is never filled
    transport: Any
    factory: Any = None

    def __init__(self, services: Pop3Services, listener: str, implicit_tls: bool, sessions: "set[Pop3Server]") -> None:
        self._services = services
        self._listener = listener
        self._implicit_tls = implicit_tls
        self._sessions = sessions
        self._host = ""
        self._began = 0.0

    # What Twisted calls

    def connectionMade(self) -> None:
        self._host = str(getattr(self.transport.getPeer(), "host", ""))
        refused = self._services.connections.admit(self._listener, self._host)
        if refused is not None:
            self._ended = True
            if not self._implicit_tls:  # a handshake would cost more than the session that we cannot have
                self.transport.write(reply.err(refused, "SYS/TEMP"))
            self.transport.loseConnection()
            return
        self._sessions.add(self)
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        peer = Peer(self._host, self._implicit_tls, "pop3", self._services.new_session_id())
        log.info("connected", session=peer.session, listener=self._listener, address=self._host)
        self._session = Session(self, self._services, peer)
        self._heard = self._services.clock.seconds()
        self._look_in(self._services.settings().idle_timeout_seconds)
        self.transport.write(self._session.greeting())

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:
        self._ended = True
        self._look_no_more()
        self._buffer = b""
        session, self._session = self._session, None
        if session is None:
            return
        self._sessions.discard(self)
        self._services.connections.leave(self._listener, self._host)
        log.info("disconnected", session=session.peer.session, clean=bool(reason.check(ConnectionDone)))
        session.close()
        if self._choked:
            forget_waiting(self.transport)
        self.resumeProducing()  # whoever waits for the client to read goes on, and finds it gone

    def dataReceived(self, data: bytes) -> None:
        if self._ended:
            return
        if self._is_in:  # neither octets nor commands lengthen the time for logging in
            self._heard = self._services.clock.seconds()
        self._buffer = self._buffer + data if self._buffer else data
        if self._busy or self._choked:
            self._hold_back()
            if self._choked:
                self._services.unsent.stalls(self)
        else:
            self._work()

    def pauseProducing(self) -> None:
        self._choked = True
        self._services.unsent.stalls(self)
        self._stalled = self._services.clock.seconds()
        stalled = self._services.stalled_seconds()
        if self._timer is not None and self._timer.getTime() > self._stalled + stalled:
            self._look_in(stalled)

    def resumeProducing(self) -> None:
        self._choked = False
        self._services.unsent.goes_on(self)
        waiting, self._drained = self._drained, None
        self._heard = self._services.clock.seconds()
        if waiting is not None:
            waiting.callback(None)
        elif self._buffer and not self._busy and not self._ended:
            self._work()

    def stopProducing(self) -> None:
        """The connection is going; connectionLost follows."""

    @property
    def name(self) -> str:
        return self._session.peer.session if self._session is not None else ""

    def held_octets(self) -> int:
        session = self._session
        return waiting_octets(self.transport) + len(self._buffer) + (session.held_octets() if session else 0)

    def drop(self) -> None:
        self._ended = True
        self.transport.abortConnection()
        forget_waiting(self.transport)

    # What a session calls

    def send(self, octets: bytes) -> None:
        if not self._ended:
            self._flush()
            write_now(self.transport, octets)

    def _flush(self) -> None:
        """Replies that are waiting to be joined go first."""
        pending = self._pending
        if pending:
            write_now(self.transport, pending[0] if len(pending) == 1 else b"".join(pending))
            pending.clear()

    def drained(self) -> Deferred[None] | None:
        if self._ended:
            raise Broken("the client is gone")
        if not self._choked:
            return None
        self._drained = Deferred()
        return self._drained

    def start_tls(self) -> None:
        self._buffer = b""
        self.transport.startTLS(self._services.tls)

    def channel_binding(self) -> ChannelBinding | None:
        assert self._session is not None
        return channel_binding(self.transport) if self._session.peer.tls else None

    def hang_up(self) -> None:
        self._flush()
        self._ended = True
        self._buffer = b""
        self._look_in(CLOSING_SECONDS)  # over TLS the client would have to agree to the end
        self.transport.unregisterProducer()
        close(self.transport)

    def say_goodbye(self, word: bytes = _GOING_DOWN) -> None:
        """The server stops, or the login ends: between commands there is time for a word, within a reply there is
        none."""
        if self._ended:
            return
        if not self._busy:
            self.send(word)
        self.hang_up()

    def ends_by(self, revoked: Revoked) -> bool:
        login = self._session.login if self._session is not None else None
        return login is not None and login.ends_by(revoked)

    # Time

    def _look_in(self, seconds: float) -> None:
        """The one timer of a connection. (Twisted's reset() to an earlier time looks for it among all there are.)"""
        self._look_no_more()
        self._timer = self._services.clock.callLater(seconds, self._look_at_clock)

    def _look_no_more(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look_at_clock(self) -> None:
        """RFC 1939 §3: no reply, nothing removed; whatever the client has not read is dropped too."""
        self._timer = None
        now = self._services.clock.seconds()
        left = self._heard + self._services.settings().idle_timeout_seconds - now
        if self._choked:
            left = min(left, self._stalled + self._services.stalled_seconds() - now)
        if self._ended or left <= 0:
            self._ended = True
            self.transport.abortConnection()
        else:
            self._look_in(left)

    # Lines

    def _hold_back(self) -> None:
        if len(self._buffer) > MAX_INPUT_OCTETS and not self._reading_paused:
            self._reading_paused = True
            self.transport.pauseProducing()

    def _work(self) -> None:
        """Answer every line that is there, joined, until one has to wait."""
        session = self._session
        assert session is not None
        pending = self._pending = []
        octets = 0
        while not self._ended and not self._choked and not self._busy:
            line = self._next_line(session)
            if line is None:
                break
            self._began = self._services.clock.seconds()
            answer = session.handle(line)
            if not isinstance(answer, bytes):
                answer = self._started(session, answer)
            if answer:
                pending.append(answer)
                octets += len(answer)
                self._judge(session, answer)
            if octets > FLUSH_OCTETS:
                self._flush()
                octets = 0
        self._flush()
        if self._reading_paused and not self._busy and not self._choked and not self._ended:
            self._reading_paused = False
            self.transport.resumeProducing()

    def _next_line(self, session: Session) -> bytes | None:
        buffer = self._buffer
        end = buffer.find(b"\n")
        most = MAX_SASL_LINE_OCTETS if session.in_exchange() or buffer[:4].upper() == b"AUTH" else MAX_LINE_OCTETS
        if end > most or (end < 0 and len(buffer) > most):
            self.send(_TOO_LONG)
            self.hang_up()
            return None
        if end < 0:
            return None
        self._buffer = buffer[end + 1 :]
        return buffer[: end - 1] if end and buffer[end - 1] == 13 else buffer[:end]

    def _started(self, session: Session, later: Later) -> bytes:
        """Begin a command: most never wait. b"": it waits (then work goes on when it is done), or failed."""
        self._busy = True
        begun = begin(session.guarded(later), self._late_answer)
        self._busy = begun is None
        if isinstance(begun, Failure):
            self._failed(begun)
            return b""
        return begun or b""

    def _late_answer(self, ended: bytes | Failure) -> None:
        self._busy = False
        session = self._session
        if self._ended or session is None:
            return
        if isinstance(ended, Failure):
            self._failed(ended)
            return
        if ended:
            self.send(ended)
            self._judge(session, ended)
        if not self._ended and not self._choked:
            self._work()

    def _failed(self, failure: Failure) -> None:
        if self._ended:
            return
        if failure.check(Broken):
            log.error("connection dropped: {why}", why=failure.getErrorMessage(), session=self.name)
        else:
            log.failure("connection dropped", failure, session=self.name)
        self._ended = True
        self.transport.abortConnection()

    def _judge(self, session: Session, answer: bytes) -> None:
        """Count the command, and end a session of nothing but errors."""
        now = self._services.clock.seconds()
        self._services.observe(session.verb, now - self._began)
        if not self._is_in and session.login is not None:
            self._is_in = True
            self._heard = now
        if answer[:1] != b"-":
            session.bad_commands = 0
            return
        session.bad_commands += 1
        if session.bad_commands >= self._services.settings().max_bad_commands:
            self.send(_TOO_MANY)
            self.hang_up()
