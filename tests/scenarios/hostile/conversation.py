"""A client that writes octets and reads lines, over TCP or TLS: for conversations that no client library would have.

Standing rule: nothing waits longer than `timeout`; what the server said before the end is what `rest` gives.
"""

import contextlib
import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.scenarios.server import MailServer


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "tls/certificate.pem"))


class Conversation:
    """One connection to a listener of `server`; tls: from the first octet."""

    def __init__(self, server: MailServer, listener: str, tls: bool | None = None, timeout: float = 20) -> None:
        self.server = server
        self.socket = socket.create_connection(("127.0.0.1", server.port(listener)), timeout=timeout)
        self._held = b""
        if listener.endswith("s") if tls is None else tls:
            self.start_tls()

    def start_tls(self) -> None:
        self._held = b""
        self.socket = trusting(self.server.folder).wrap_socket(self.socket, server_hostname="localhost")

    def send(self, *octets: bytes) -> None:
        self.socket.sendall(b"".join(octets))

    def line(self) -> bytes | None:
        """The next line, without its end; None at the end of the connection."""
        while (end := self._held.find(b"\r\n")) < 0:
            if not (piece := self._receive()):
                return None
            self._held += piece
        line, self._held = self._held[:end], self._held[end + 2 :]
        return line

    def octets(self, count: int) -> bytes:
        """Exactly so many, of a literal."""
        pieces, left = [self._held[:count]], count - len(self._held)
        self._held = self._held[count:]
        while left > 0:
            piece = self._receive()
            assert piece, f"the server ended {left} octets early"
            pieces.append(piece[:left])
            self._held = piece[left:]
            left -= len(piece)
        return b"".join(pieces)

    def until(self, *starts: bytes) -> list[bytes]:
        """Lines up to the one that begins with one of `starts`."""
        found: list[bytes] = []
        while not (found and found[-1].startswith(starts)):
            line = self.line()
            assert line is not None, f"the server ended before {starts!r}: {found[-5:]!r} {self._held[-200:]!r}"
            found.append(line)
        return found

    def ask(self, octets: bytes, *starts: bytes) -> bytes:
        """Send a line, give the line of the answer that begins with one of `starts`."""
        self.send(octets, b"\r\n")
        try:
            return self.until(*starts)[-1]
        except AssertionError as error:
            raise AssertionError(f"{octets[:100]!r}: {error}") from None

    def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        pieces = [self._held]
        self._held = b""
        while piece := self._receive():
            pieces.append(piece)
        return b"".join(pieces)

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except (ConnectionError, ssl.SSLEOFError):
            return b""
        except TimeoutError:
            raise AssertionError(f"the server says nothing more; it said {self._held[-500:]!r}") from None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
