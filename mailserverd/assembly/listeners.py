"""Ports: bound sockets that become Twisted ports, and close before anything else does.

Standing rules: a listener's factory offers `end_sessions()`, which says goodbye to every session (BYE, 421) and
returns when they are gone or their time is up; no session outlives its listener.
"""

from __future__ import annotations

import socket
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IListeningPort, IReactorSocket
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from mailserverd.connection.unsent import Served
from mailserverd.model.account import Revoked

log = Logger()
BACKLOG = 1024


class Sessions(Protocol):
    """What a protocol room's factory offers beside IProtocolFactory."""

    async def end_sessions(self) -> None: ...

    def end_logins(self, revoked: Revoked) -> None:
        """Within seconds nobody is logged in any more by what was revoked."""
        ...


class Listener:
    """One listener on all its addresses."""

    def __init__(
        self,
        name: str,
        reactor: IReactorSocket,
        sockets: list[socket.socket],
        factory: ServerFactory[Any],
        sessions: Sessions | None,
    ) -> None:
        self.name = name
        self._reactor, self._sockets, self._factory, self._sessions = reactor, sockets, factory, sessions
        self._ports: list[IListeningPort] = []

    async def start(self) -> None:
        for bound in self._sockets:
            bound.listen(BACKLOG)
            port: Any = self._reactor.adoptStreamPort(bound.fileno(), bound.family, self._factory)
            port.transport = Served
            self._ports.append(port)
            log.info("listening", listener=self.name, address=_text(bound))
            bound.close()  # adoptStreamPort made its own descriptor

    async def stop_listening(self) -> None:
        """Accept nobody any more."""
        ports, self._ports = self._ports, []
        for port in ports:
            if (closing := port.stopListening()) is not None:
                await closing

    async def end_sessions(self) -> None:
        """Say goodbye to every session."""
        if self._sessions is not None:
            await self._sessions.end_sessions()

    async def stop(self) -> None:
        """For a listener that is a part by itself."""
        await self.stop_listening()
        await self.end_sessions()


class AllListeners:
    """All listeners as one part: first every port is closed, then all sessions end at once."""

    name = "the listeners"

    def __init__(self, listeners: list[Listener]) -> None:
        self._listeners = listeners

    async def start(self) -> None:
        for listener in self._listeners:
            await listener.start()

    async def stop(self) -> None:
        for listener in self._listeners:
            await listener.stop_listening()
        await DeferredList([Deferred.fromCoroutine(listener.end_sessions()) for listener in self._listeners])


def _text(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
