"""The connection: octets in, replies out in their order; times, TLS, back-pressure, the end.

Standing rules: one command is in flight, and while it is awaited, or while the client does not read, nothing more is
read from the client than what was on its way; replies to commands that came together are one write; plaintext that
came with STARTTLS is thrown away (RFC 3207 §6); every connection ends, whatever the client does (RFC 5321 §4.5.3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.mail.smtp import ESMTP
from twisted.python.failure import Failure
from zope.interface import implementer

from mailserverd.accounts.channel_binding import channel_binding
from mailserverd.connection.by_hand import begin
from mailserverd.connection.end import close, close_unread
from mailserverd.connection.prompt_write import write_now
from mailserverd.connection.unsent import forget_waiting, waiting_octets
from mailserverd.delivery.trace_headers import TlsSeen
from mailserverd.model.account import Revoked
from mailserverd.smtp import replies
from mailserverd.smtp.admission import refusal
from mailserverd.smtp.deadline import Deadline
from mailserverd.smtp.input import Input
from mailserverd.smtp.session import After, Session
from mailserverd.wire.proxy.header import BadProxyHeader, parse_proxy_header
from mailserverd.wire.sasl.steps import ChannelBinding
from mailserverd.wire.smtp.reply import reply

if TYPE_CHECKING:
    from mailserverd.smtp.factory import SmtpFactory

MAX_THROWN_AWAY_OCTETS = 1_048_576  # of a client that was dropped; then it hears no more of us
COMMANDS_A_TURN = 50  # then other sessions have theirs

_log = Logger()


@implementer(IPushProducer)
class SmtpServer(ESMTP):
    """One connection. ESMTP gives its interfaces (portal, challengers, factory) and does none of the work."""

    transport: Any  # TCP, or TLS over it
    noisy = False
    _session: Session | None = None
    _client = ""
    _waiting = False  # for a command's coroutine
    _blocked = False  # by a client that does not read
    _yielded = False  # to other sessions, for a turn
    _paused = False  # reading from the client
    _closing = False
    _thrown_away = 0  # octets that came behind the last reply
    _last_words = b""  # what ends the session as soon as no command is in flight
    _lost = False
    _begun = 0.0  # when the command in flight came
    _deadline: Deadline

    def __init__(self, factory: SmtpFactory) -> None:
        """ESMTP's own __init__ makes the state of its engine, which is not used."""
        self.factory = factory
        self.challengers = {}
        self._input = Input()

    # Twisted calls these.

    def connectionMade(self) -> None:
        factory, transport = self.factory, self.transport
        peer = transport.getPeer()
        self._client = getattr(peer, "host", "")
        transport.registerProducer(self, True)
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
        factory.sessions.add(self)
        self._deadline = Deadline(factory.services.clock, factory.settings, self.timeoutConnection)
        if self._client not in factory.settings.proxy_networks:
            self._greet()

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            self._thrown_away += len(data)
            if self._thrown_away > MAX_THROWN_AWAY_OCTETS:
                self.transport.abortConnection()
            return
        self._input.add(data)
        if self._waiting or self._blocked or self._yielded:
            self._pause()
            if self._blocked:
                self.factory.services.unsent.stalls(self)
        else:
            self._work()

    def lineReceived(self, line: bytes) -> None:
        raise AssertionError("twisted.mail's line engine is not used")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = self._closing = True
        self._input.drop()
        self._deadline.end()
        factory, session = self.factory, self._session
        factory.sessions.discard(self)
        if self._blocked:
            factory.services.unsent.goes_on(self)
            forget_waiting(self.transport)
        if session is not None:
            factory.services.connections.leave(session.settings.listener, session.host)
            _log.info("disconnected", session=session.session_id, clean=bool(reason.check(ConnectionDone)))
            if not self._waiting:
                session.gone()
        factory.session_over()

    def timeoutConnection(self) -> None:
        if self._closing or self._blocked:
            self.transport.abortConnection()
            return
        self._say_goodbye(reply(421, "4.4.2", f"{self.factory.settings.hostname} waited too long for you"))

    def pauseProducing(self) -> None:
        """The client does not read what we wrote."""
        self._blocked = True
        self.factory.services.unsent.stalls(self)
        self._deadline.for_reading()

    def resumeProducing(self) -> None:
        self._blocked = False
        self.factory.services.unsent.goes_on(self)
        if not self._closing and self._session is not None:
            self._set_deadline(self._session, not self._waiting)
            self._go_on()

    def stopProducing(self) -> None:
        """connectionLost does what is to be done."""

    # What the session asks (session.Line).

    def tls_seen(self) -> TlsSeen | None:
        handle: Any = getattr(self.transport, "getHandle", lambda: None)()
        if not hasattr(handle, "get_cipher_name"):
            return None
        return TlsSeen(handle.get_protocol_version_name(), handle.get_cipher_name() or "unknown")

    def channel(self) -> ChannelBinding | None:
        return channel_binding(self.transport)

    # Beginning and end.

    def _greet(self) -> None:
        """The client's address is known: admit it, or turn it away in a line."""
        factory = self.factory
        settings, services = factory.settings, factory.services
        refused = refusal(services, settings, self._client)
        if refused and settings.tls_from_start:  # a handshake would cost more than the session, and might never come
            self._closing = True
            self.transport.abortConnection()
            return
        if refused:
            self._close_with(refused)
            return
        session = self._session = Session(services, settings, self._client, self)
        _log.info("connected", session=session.session_id, listener=settings.listener, address=self._client)
        self._deadline.for_command()
        write_now(self.transport, factory.greeting)

    def say_goodbye(self, status: str = "4.3.2", why: str = "is going down") -> None:
        """The server stops, or the login ends: an answer in flight is waited for, anything else is cut short."""
        self._last_words = self._last_words or reply(421, status, f"{self.factory.settings.hostname} {why}")
        if not self._waiting:
            self._say_goodbye(self._last_words)

    def ends_by(self, revoked: Revoked) -> bool:
        login = self._session.login if self._session is not None else None
        return login is not None and login.ends_by(revoked)

    @property
    def name(self) -> str:
        return self._session.session_id if self._session is not None else ""

    def held_octets(self) -> int:
        return waiting_octets(self.transport) + self._input.waiting

    def drop(self) -> None:
        self.abort()
        forget_waiting(self.transport)

    def abort(self) -> None:
        self.transport.abortConnection()

    def _say_goodbye(self, last: bytes) -> None:
        if self._closing:
            self.transport.abortConnection()
            return
        self._close_with(b"" if self._session is None or self._blocked else last)

    def _close_with(self, last: bytes) -> None:
        self._closing = True
        unread = self._paused or bool(self._input.waiting)
        self._input.drop()
        self.factory.outbox.flush()
        if last:
            write_now(self.transport, last)
        self._deadline.for_going()
        self.transport.unregisterProducer()
        if unread:
            close_unread(self.transport)
        else:
            close(self.transport)

    # The loop.

    def _work(self) -> None:
        """Answer what has come, until it is used up or something has to be waited for."""
        session, coming = self._session, self._input
        if session is None:
            self._proxy_header()
            return
        out: list[bytes] = []
        left = COMMANDS_A_TURN
        seconds = self.factory.services.clock.seconds
        while True:
            self._begun = seconds()
            answer = coming.answer(session)
            if answer is None:
                break
            if not isinstance(answer, bytes):
                begun = begin(answer, self._late_answer)
                if begun is None:
                    self._waiting = True
                    self._deadline.none()
                    break
                answer = self._reply(begun)
            self._observe(session)
            out.append(answer)
            if session.after is not After.GO_ON:
                self._act(session, out)
                return
            left -= 1
            if left == 0 and coming.waiting:
                self._yielded = True
                self.factory.services.clock.callLater(0, self._turn_again)
                break
        coming.settle()
        self._send(out)
        if not self._closing:
            self._set_deadline(session, bool(out))

    def _send(self, out: list[bytes]) -> None:
        if out:
            self.factory.outbox.write(self.transport, out[0] if len(out) == 1 else b"".join(out))

    def _observe(self, session: Session) -> None:
        """Note how long the answer to a command took."""
        seconds = self.factory.services.clock.seconds() - self._begun
        self.factory.latency_of(session.verb).observe(seconds)

    def _act(self, session: Session, out: list[bytes]) -> None:
        """What comes after a reply that ends something. Input that came with it is thrown away."""
        after, session.after = session.after, After.GO_ON
        if after is After.CLOSE:
            self._close_with(b"".join(out))
            return
        self._input.drop()
        self.factory.outbox.flush()
        write_now(self.transport, b"".join(out))
        tls = self.factory.services.tls
        assert tls is not None
        self.transport.startTLS(tls)
        session.secured()
        self._set_deadline(session, True)

    # A command that had to wait.

    def _reply(self, ended: bytes | Failure) -> bytes:
        if not isinstance(ended, Failure):
            return ended
        session = self._session
        _log.failure("a command failed by an error of ours", ended, session=session.session_id if session else "")
        return replies.OUR_ERROR

    def _late_answer(self, ended: bytes | Failure) -> None:
        answer = self._reply(ended)
        self._waiting = False
        session = self._session
        assert session is not None
        self._observe(session)
        if self._lost:
            session.gone()
            return
        if self._closing:
            return
        if self._last_words:
            self._close_with(answer + self._last_words)
            return
        if session.after is not After.GO_ON:
            self._act(session, [answer])
            return
        self.factory.outbox.write(self.transport, answer)
        self._set_deadline(session, True)
        self._go_on()

    def _turn_again(self) -> None:
        self._yielded = False
        if not self._closing:
            self._go_on()

    def _go_on(self) -> None:
        """Nothing is waited for any more: obey what came meanwhile, then read on."""
        if self._waiting or self._blocked or self._yielded:
            return
        if self._input.waiting:
            self._work()
        if self._paused and not (self._waiting or self._blocked or self._yielded or self._closing):
            self._paused = False
            self.transport.resumeProducing()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def _set_deadline(self, session: Session, progress: bool) -> None:
        """progress: something was answered, so that the time for the next command begins."""
        if self._blocked or self._waiting or self._closing:
            return
        if session.receiver is not None:
            transaction = session.transaction
            self._deadline.for_message(transaction.octets if transaction is not None else 0)
        elif progress:
            self._deadline.for_command()

    # The PROXY protocol.

    def _proxy_header(self) -> None:
        """A load balancer's first octets name the client; anything else, or nothing, ends the connection."""
        try:
            found = parse_proxy_header(self._input.before_greeting())
        except BadProxyHeader as error:
            _log.warn("no right PROXY header from a load balancer", address=self._client, why=str(error))
            self._close_with(b"")
            return
        if found is None:
            return
        proxied, length = found
        if proxied.source:
            self._client = proxied.source
        self._input.skip(length)
        self._greet()
        if not self._closing and self._input.waiting:
            self._work()
