"""The factory of one POP3 listener. Standing rule: it knows its sessions, so that none outlives the listener."""

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import deferLater

from mailserverd.model.account import Revoked
from mailserverd.pop3.server import Pop3Server
from mailserverd.pop3.services import Pop3Services
from mailserverd.wire.pop3 import reply

GOODBYE_SECONDS = 5.0
_STEP_SECONDS = 0.05
_LOGIN_ENDED = reply.err("this login has been ended by the administrator", "AUTH")


class Pop3Factory(ServerFactory[Any]):
    """listener: "pop3" or "pop3s", the name it is counted under. implicit_tls: assembly puts TLS around it."""

    noisy = False

    def __init__(self, services: Pop3Services, listener: str, implicit_tls: bool = False) -> None:
        self._services = services
        self._listener = listener
        self._implicit_tls = implicit_tls
        self.sessions: set[Pop3Server] = set()

    def buildProtocol(self, addr: IAddress | None) -> Pop3Server:
        protocol = Pop3Server(self._services, self._listener, self._implicit_tls, self.sessions)
        protocol.factory = self
        return protocol

    def end_logins(self, revoked: Revoked) -> None:
        """Say goodbye to those who may be logged in no longer; their deletions are not done."""
        for session in list(self.sessions):
            if session.ends_by(revoked):
                session.say_goodbye(_LOGIN_ENDED)
                self._services.clock.callLater(GOODBYE_SECONDS, self._abort_one, session)

    def _abort_one(self, session: Pop3Server) -> None:
        if session in self.sessions:
            session.transport.abortConnection()

    async def end_sessions(self) -> None:
        """Say goodbye; who is not gone after GOODBYE_SECONDS is dropped."""
        for session in list(self.sessions):
            session.say_goodbye()
        clock = self._services.clock
        until = clock.seconds() + GOODBYE_SECONDS
        while self.sessions and clock.seconds() < until:
            await deferLater(clock, _STEP_SECONDS)
        for session in list(self.sessions):
            session.transport.abortConnection()
