"""The admin socket: DATA/admin.sock, where the command line asks the running server.

A request is one line of JSON, {"verb": "account add", "arguments": {...}}; the answer is one line, {"result": ...}
or {"error": "one line"}; requests of a connection are answered in order.

Standing rules: the socket is mode 0600 and whoever comes is asked for its user id (only root and our own user are
served); lines and connections are bounded; the file is ours alone, for it is made under the data lock.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorUNIX
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.admin_verbs import AdminVerbs

log = Logger()
SOCKET_NAME = "admin.sock"
MAX_LINE_OCTETS = 64 * 1024 * 1024  # a whole directory may come in one line
MAX_CONNECTIONS = 32
_BACKLOG = 16
_CREDENTIALS = struct.Struct("3i")


class Request(msgspec.Struct):
    verb: str
    arguments: dict[str, Any] = {}


_requests = msgspec.json.Decoder(Request)
_answers = msgspec.json.Encoder()


class AdminConnection(Protocol):
    """One request at a time; what comes meanwhile waits."""

    transport: Any

    def __init__(self, verbs: AdminVerbs, connections: set[AdminConnection], allowed: frozenset[int]) -> None:
        self._verbs = verbs
        self._connections = connections
        self._allowed = allowed
        self._chunks: list[bytes] = []
        self._octets = 0
        self._busy = False
        self._gone = False

    def connectionMade(self) -> None:
        user = _user_of(self.transport)
        if user not in self._allowed or len(self._connections) >= MAX_CONNECTIONS:
            self._gone = True
            self._answer({"error": "only root and the server's own user may ask, and not too many at once"})
            self.transport.loseConnection()
            return
        self._connections.add(self)

    def connectionLost(self, reason: Failure = Failure(ConnectionError())) -> None:
        self._gone = True
        self._connections.discard(self)

    def dataReceived(self, data: bytes) -> None:
        if self._gone:
            return
        self._chunks.append(data)
        self._octets += len(data)
        if self._octets > MAX_LINE_OCTETS:
            self._gone = True
            self._answer({"error": f"a request has at most {MAX_LINE_OCTETS} octets"})
            self.transport.loseConnection()
        elif b"\n" in data and not self._busy:
            self._next()

    def _next(self) -> None:
        whole = b"".join(self._chunks)
        line, newline, rest = whole.partition(b"\n")
        self._chunks = [rest] if newline else [whole]
        self._octets = len(self._chunks[0])
        if newline:
            self._busy = True
            Deferred.fromCoroutine(self._serve(line)).addErrback(self._broken)

    async def _serve(self, line: bytes) -> None:
        try:
            request = _requests.decode(line)
            answer: dict[str, object] = {"result": await self._verbs.call(request.verb, request.arguments)}
        except msgspec.MsgspecError as error:
            answer = {"error": f"not a request: {error}"}
        except VerbRefused as error:
            answer = {"error": " ".join(str(error).split())}
        self._answer(answer)
        self._busy = False
        if not self._gone:
            self._next()

    def _broken(self, failure: Failure) -> None:
        log.failure("admin connection dropped", failure)
        self.transport.loseConnection()

    def _answer(self, answer: dict[str, object]) -> None:
        self.transport.write(_answers.encode(answer) + b"\n")


def _user_of(transport: Any) -> int:
    """The user id of the process at the other end, as the kernel knows it."""
    credentials = transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(credentials)
    return int(user)


class AdminFactory(ServerFactory[Any]):
    noisy = False

    def __init__(self, verbs: AdminVerbs, allowed: frozenset[int]) -> None:
        self._verbs = verbs
        self._allowed = allowed
        self.connections: set[AdminConnection] = set()

    def buildProtocol(self, addr: IAddress | None) -> AdminConnection:
        return AdminConnection(self._verbs, self.connections, self._allowed)


class AdminSocket:
    """The part of the service tree. Register every verb before start()."""

    name = "the admin socket"

    def __init__(self, reactor: IReactorUNIX, data_directory: Path, verbs: AdminVerbs) -> None:
        self._reactor = reactor
        self._data_directory = data_directory
        self._factory = AdminFactory(verbs, frozenset({0, os.geteuid()}))
        self._port: IListeningPort | None = None
        self._descriptor = -1

    async def start(self) -> None:
        """Bound through the directory's descriptor, for a socket's path has at most 107 octets (unix(7))."""
        (self._data_directory / SOCKET_NAME).unlink(missing_ok=True)
        self._descriptor = os.open(self._data_directory, os.O_DIRECTORY | os.O_PATH)
        before = os.umask(0o177)
        try:
            path = f"/proc/self/fd/{self._descriptor}/{SOCKET_NAME}"
            self._port = self._reactor.listenUNIX(path, self._factory, _BACKLOG, 0o600)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Nobody new; who is there is cut off: the command line sees the end and says so."""
        if self._port is not None:
            closing = self._port.stopListening()  # unlinks the file too
            if closing is not None:
                await closing
        for connection in list(self._factory.connections):
            connection.transport.loseConnection()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
