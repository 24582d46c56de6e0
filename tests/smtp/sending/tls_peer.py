"""A peer on loopback that does what its script says, in a thread of its own."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType


class TlsPeer(threading.Thread):
    """One connection. script: is called with the peer when a client has come. Used with `with`.

    turn: lets the client work; set by the fixture that makes its reactor.
    """

    turn: Callable[[], None]

    def __init__(self, script: Callable[[TlsPeer], None], chain: Path | None = None) -> None:
        super().__init__(daemon=True)
        self._script = script
        self._chain = chain
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._socket: socket.socket | ssl.SSLSocket
        self._held = b""
        self.port: int = self._listening.getsockname()[1]
        self.problem: BaseException | None = None
        self.server_names: list[str | None] = []
        self.octets = 0
        self.address = ""

    def __enter__(self) -> TlsPeer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        end = time.monotonic() + 10
        while self.is_alive() and time.monotonic() < end:
            self.turn()
        self._listening.close()
        self.join(1)
        if error is None and self.problem is not None:
            raise self.problem

    def run(self) -> None:
        try:
            self._listening.settimeout(10)
            self._socket, (self.address, _) = self._listening.accept()
            self._socket.settimeout(10)
            with self._socket:
                self._script(self)
        except BaseException as error:  # told by __exit__
            self.problem = error
        finally:
            if hasattr(self, "_socket"):
                self._socket.close()

    def says(self, *lines: str) -> None:
        self.sends("".join(line + "\r\n" for line in lines).encode())

    def sends(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def hears(self, start: str = "") -> str:
        """The next line; "" at the end."""
        while b"\r\n" not in self._held:
            more = self._socket.recv(65536)
            if not more:
                assert not start, "the client is gone"
                return ""
            self._held += more
            self.octets += len(more)
        line, _, self._held = self._held.partition(b"\r\n")
        assert line.startswith(start.encode()), line
        return line.decode("latin-1")

    def takes_message(self) -> bytes:
        got = []
        while (line := self.hears()) != ".":
            got.append(line)
        return "\r\n".join([*got, ""]).encode("latin-1")

    def greets(self, *keywords: str) -> None:
        self.says("220 mx.example ESMTP")
        self.answers_ehlo(*keywords)

    def answers_ehlo(self, *keywords: str) -> None:
        self.hears("EHLO ")
        self.says("250-mx.example", *(f"250-{each}" for each in keywords), "250 ENHANCEDSTATUSCODES")

    def starts_tls(self, maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert self._chain is not None
        context.load_cert_chain(self._chain)
        context.maximum_version = maximum
        context.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def offers_tls(self, *keywords: str) -> None:
        """Up to EHLO over TLS."""
        self.greets("STARTTLS")
        self.hears("STARTTLS")
        self.says("220 go")
        self.starts_tls()
        self.answers_ehlo(*keywords)

    def takes_mail(self) -> bytes:
        """One message, with PIPELINING offered."""
        for start in ("MAIL", "RCPT", "DATA"):
            self.hears(start)
        self.says("250 ok", "250 ok", "354 go")
        octets = self.takes_message()
        self.says("250 2.0.0 ok")
        return octets

    def waits_for_end(self) -> list[str]:
        """What is heard until the client goes."""
        lines = []
        try:
            while line := self.hears():
                lines.append(line)
        except (OSError, AssertionError):
            pass
        return lines
