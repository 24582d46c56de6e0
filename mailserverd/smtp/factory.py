"""One listener's factory: makes connections, knows the open ones, ends them.

Standing rule: a reload replaces the settings for connections that come; those that are there keep theirs.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import ServerFactory
from zope.interface import implementer

from mailserverd.config.schema import Config
from mailserverd.connection.outbox import Outbox
from mailserverd.model.account import Revoked
from mailserverd.smtp.server import SmtpServer
from mailserverd.smtp.services import Services
from mailserverd.smtp.settings import LMTP, settings_of
from mailserverd.telemetry.metrics import Histogram
from mailserverd.wire.smtp.reply import reply

ENDING_SECONDS = 20.0  # how long answers in flight are waited for when the server stops


@implementer(IProtocolFactory)
class SmtpFactory(ServerFactory["SmtpServer"]):
    """listener: "smtp", "submission", "submissions" or "lmtp". For "submissions" assembly puts TLS around it."""

    noisy = False

    def __init__(self, services: Services, config: Config, listener: str) -> None:
        self.services = services
        self.outbox = Outbox(services.clock)
        self.sessions: set[SmtpServer] = set()
        self._listener = listener
        self._latencies: dict[bytes, Histogram] = {}
        self._ended: Deferred[None] | None = None
        self.reload(config)

    def reload(self, config: Config) -> None:
        self.settings = settings_of(config, self._listener)
        kind = "LMTP" if self.settings.door == LMTP else "ESMTP"
        self.greeting = reply(220, "", f"{self.settings.hostname} {kind} mailserverd")

    def buildProtocol(self, addr: IAddress | None) -> SmtpServer:
        return SmtpServer(self)

    def latency_of(self, verb: bytes) -> Histogram:
        """verb: of the commands there are, MESSAGE for the end of one, OTHER: a closed set."""
        held = self._latencies.get(verb)
        if held is None:
            name = verb.decode("ascii")
            held = self._latencies[verb] = self.services.metrics.commands[self.settings.door, name]
        return held

    def session_over(self) -> None:
        """For SmtpServer: one connection is gone."""
        if self._ended is not None and not self.sessions:
            ended, self._ended = self._ended, None
            ended.callback(None)

    async def end_sessions(self) -> None:
        """Say 421 to everybody; a message whose answer is on its way is waited for."""
        for session in list(self.sessions):
            session.say_goodbye()
        if not self.sessions:
            return
        ended = self._ended = Deferred()
        call = self.services.clock.callLater(ENDING_SECONDS, self._abort)
        await ended
        if call.active():
            call.cancel()

    def end_logins(self, revoked: Revoked) -> None:
        """Say 421 to those who may be logged in no longer."""
        for session in list(self.sessions):
            if session.ends_by(revoked):
                session.say_goodbye("4.7.0", "has ended your login")

    def _abort(self) -> None:
        for session in list(self.sessions):
            session.abort()
