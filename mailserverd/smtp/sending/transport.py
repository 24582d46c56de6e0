"""Connections to the next hop: what `queue` knows as the MailTransport.

Standing rules: whatever happens before a session stands, nothing stays open; a failure is HopFailed and says at which
stage; the settings are those of the moment of connecting.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectBindError, ConnectionRefusedError, TimeoutError, UserError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory
from twisted.python.failure import Failure

from mailserverd.config.outbound import Timeouts
from mailserverd.interfaces.mail_transport import Hop, HopFailed, Peer
from mailserverd.model.outcome import TryLater
from mailserverd.smtp.sending.connection import SmtpConnection
from mailserverd.smtp.sending.conversation import Conversation
from mailserverd.smtp.sending.login import derive_by, log_in
from mailserverd.smtp.sending.opening import Opening
from mailserverd.smtp.sending.tls import ClientTls


class SmtpTransport:
    """Satisfies interfaces.mail_transport.MailTransport.

    reactor: connects, and keeps the time. timeouts: asked anew for each connection. random: octets that nobody can
    guess. in_thread: runs a function with its arguments off the reactor's thread, for what takes milliseconds.
    """

    def __init__(
        self,
        reactor: Any,
        timeouts: Callable[[], Timeouts],
        tls: ClientTls,
        random: Callable[[int], bytes],
        in_thread: Callable[..., Any],
    ) -> None:
        self._reactor = reactor
        self._timeouts = timeouts
        self._tls = tls
        self._random = random
        self._in_thread = in_thread
        self._derive = derive_by(in_thread)

    async def connect(self, hop: Hop) -> SmtpConnection:
        timeouts = self._timeouts()
        conversation = await self._connected(hop, timeouts)
        try:
            return await self._opened(Opening(conversation, hop, timeouts))
        except Exception:
            conversation.quit()
            raise

    async def _opened(self, opening: Opening) -> SmtpConnection:
        hop = opening.hop
        tls, verified = "", False
        if hop.protocol == "smtps":  # RFC 8314 §3.3
            tls, verified = await opening.handshake(self._tls)
        await opening.greeting()
        await opening.hello()
        if not tls:
            tls, verified = await opening.secure(self._tls)
        if hop.credentials is not None:
            await log_in(opening, bool(tls), self._random, self._derive)
        peer = Peer(where_of(hop), tls, verified, opening.offer.keywords)
        lmtp = hop.protocol == "lmtp"
        return SmtpConnection(opening.conversation, peer, opening.offer, opening.timeouts, lmtp, self._in_thread)

    async def _connected(self, hop: Hop, timeouts: Timeouts) -> Conversation:
        conversation = Conversation(self._reactor, _shortest(timeouts))
        bind = (hop.source, 0) if hop.source else None
        factory = _Once(conversation)
        connector = self._reactor.connectTCP(hop.address, hop.port, factory, timeouts.connect_seconds, bind)
        conversation.made = factory.made = Deferred(lambda _: connector.disconnect())
        try:
            await factory.made
        except Exception as error:
            raise HopFailed("connect", TryLater("4.4.1", _reason(error, hop))) from None
        return conversation


def where_of(hop: Hop) -> str:
    return f"{hop.host}[{hop.address}]:{hop.port}"


def _shortest(timeouts: Timeouts) -> float:
    return float(min(timeouts.model_dump().values()))


def _reason(error: Exception, hop: Hop) -> str:
    if isinstance(error, ConnectBindError):
        return f"cannot connect from {hop.source}: {error.osError or error}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "connection timed out"
    if isinstance(error, UserError):
        return "given up"
    return f"cannot connect: {error}"


class _Once(ClientFactory):
    """Of one connection."""

    noisy = False
    made: Deferred[None]

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def buildProtocol(self, addr: IAddress | None) -> Conversation:
        return self._conversation

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self.made.errback(reason)
