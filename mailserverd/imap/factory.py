"""ImapFactory: makes sessions of one listener, and says goodbye to them when the server stops."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory

from mailserverd.imap.server import ImapServer
from mailserverd.imap.session import Services
from mailserverd.imap.turns import Turns
from mailserverd.model.account import Revoked
from mailserverd.telemetry.connections import Connections
from mailserverd.telemetry.log import SessionIds
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS

GOODBYE_SECONDS = 5.0


class ImapFactory(ServerFactory[Any]):
    """listener: "imap" or "imaps". tls: what STARTTLS gives the transport, None where there is no TLS to start."""

    noisy = False

    def __init__(
        self,
        listener: str,
        hostname: str,
        services: Services,
        connections: Connections,
        session_ids: SessionIds,
        clock: IReactorTime,
        tls: Any | None,
    ) -> None:
        self.listener = listener
        self.hostname = hostname.encode("ascii")
        self.services = services
        self.connections = connections
        self.session_ids = session_ids
        self.clock = clock
        self.tls = tls
        self.turns = Turns(clock)
        self.sessions: set[ImapServer] = set()
        self._empty: Deferred[None] | None = None
        names = [verb.name for verb in (*VERBS.values(), *UID_VERBS.values())]
        self.latency = {name: services.metrics.commands.of("imap", name) for name in names}

    def buildProtocol(self, addr: IAddress | None) -> ImapServer:
        server = ImapServer()
        server.factory = self
        return server

    def gone(self) -> None:
        """For ImapServer: one session less."""
        if not self.sessions and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    async def end_sessions(self) -> None:
        """BYE to all; returns when they are gone, or after five seconds without asking any more."""
        for session in list(self.sessions):
            session.goodbye(b"The server is shutting down")
        if not self.sessions:
            return
        empty: Deferred[None] = Deferred()
        self._empty = empty
        timer = self.clock.callLater(GOODBYE_SECONDS, self._abort_all)
        await empty
        if timer.active():
            timer.cancel()

    def end_logins(self, revoked: Revoked) -> None:
        """BYE to those who may be logged in no longer; who is not gone in five seconds is dropped."""
        for server in list(self.sessions):
            login = server.session.login
            if login is not None and login.ends_by(revoked):
                server.goodbye(b"[EXPIRED] This login has been ended by the administrator")  # RFC 5530 §3
                self.clock.callLater(GOODBYE_SECONDS, self._abort_one, server)

    def _abort_one(self, server: ImapServer) -> None:
        if server in self.sessions:
            server.abort()

    def _abort_all(self) -> None:
        for session in list(self.sessions):
            session.abort()
