"""Another mail server on loopback, in a thread: it takes what comes, or answers as it is told.

with Peer("127.0.0.3", port) as peer: peer.answer = lambda verb, argument, session: "450 4.7.1 greylisted" or None

Standing rules: None means "as a good server does"; what was taken is kept whole; nothing is sent anywhere.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

Answer = Callable[[str, str, "Session"], str | None]


@dataclass
class Taken:
    """One message as it came. host: where from."""

    sender: str
    recipients: list[str]
    octets: bytes
    host: str
    tls: bool
    parameters: str = ""


@dataclass
class Session:
    """One connection so far. number: of the connection, from 0. messages: taken on it."""

    number: int
    host: str
    tls: bool = False
    messages: int = 0
    sender: str = ""
    parameters: str = ""
    recipients: list[str] = field(default_factory=list)
    secured: ssl.SSLSocket | None = None


class Peer:
    """extensions: what EHLO offers. certificate: a PEM file with key and chain; with it STARTTLS is offered."""

    def __init__(
        self,
        host: str,
        port: int,
        extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SIZE 50000000"),
        certificate: Path | None = None,
    ) -> None:
        self.host, self.port, self.extensions = host, port, extensions
        self.answer: Answer = lambda verb, argument, session: None
        self.taken: list[Taken] = []
        self.sessions: list[Session] = []
        self.open = self.most_open = 0
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self._lock = threading.Lock()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 200

        self._server = Server((host, port), Handler)

    def __enter__(self) -> Peer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def taken_by(self, recipient: str) -> list[Taken]:
        return [each for each in list(self.taken) if recipient in each.recipients]

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            session = Session(len(self.sessions), connection.getpeername()[0])
            self.sessions.append(session)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            self._talk(connection, session)
        except (OSError, ValueError):
            pass
        finally:
            if session.secured is not None:
                session.secured.close()
            with self._lock:
                self.open -= 1

    def _talk(self, connection: socket.socket, session: Session) -> None:
        connection.settimeout(60)
        stream = connection.makefile("rwb")

        def say(text: str) -> None:
            stream.write(text.encode() + b"\r\n")
            stream.flush()

        greeting = self.answer("CONNECT", "", session) or "220 peer.example ESMTP"
        say(greeting)
        if greeting[0] in "45":
            return
        while line := stream.readline(4096):
            verb, _, argument = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            verb = verb.upper()
            told = self.answer(verb, argument, session)
            if told == "CLOSE":
                connection.shutdown(socket.SHUT_RDWR)
                return
            if told is not None:
                say(told)
                if told.startswith("421"):
                    return
                continue
            if verb in ("EHLO", "LHLO"):
                offered = [*self.extensions, *(["STARTTLS"] if self.context and not session.tls else [])]
                lines = ["peer.example", *offered]
                say("\r\n".join(f"250{'-' if each < len(lines) - 1 else ' '}{text}" for each, text in enumerate(lines)))
            elif verb == "STARTTLS" and self.context is not None:
                say("220 go")
                connection = session.secured = self.context.wrap_socket(connection, server_side=True)
                session.tls = True
                stream = connection.makefile("rwb")
            elif verb == "MAIL":
                path, _, session.parameters = argument.partition("> ")
                session.sender, session.recipients = path.partition("<")[2].rstrip(">"), []
                say("250 2.1.0 ok")
            elif verb == "RCPT":
                session.recipients.append(argument.partition("<")[2].partition(">")[0])
                say("250 2.1.5 ok")
            elif verb == "DATA":
                say("354 go on")
                octets = self._data(stream)
                told = self.answer("DOT", "", session)
                if told == "CLOSE":
                    return
                if told is None:
                    self._take(session, octets)
                say(told or "250 2.0.0 taken")
            elif verb == "QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 ok" if verb in ("RSET", "NOOP", "HELO") else "502 5.5.1 no such command")

    def _data(self, stream: socket.SocketIO) -> bytes:  # type: ignore[override]
        lines = []
        while (line := stream.readline()) != b".\r\n":
            if not line:
                raise OSError("closed in DATA")
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _take(self, session: Session, octets: bytes) -> None:
        with self._lock:
            session.messages += 1
            self.taken.append(
                Taken(session.sender, session.recipients, octets, session.host, session.tls, session.parameters)
            )
