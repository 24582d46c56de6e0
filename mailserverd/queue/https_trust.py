"""Whom HTTPS trusts: the system's authorities and those of outbound.ca_file; and that a certificate is the host's.

Standing rules: TLS 1.2 or newer; the handshake itself refuses a certificate, so that no octet goes to a stranger; the
authorities are read off the reactor's thread, and again when the file changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from mailserverd.queue.address_order import is_six


class Authorities:
    """in_thread(function, argument) runs off the reactor's thread."""

    def __init__(self, ca_file: Callable[[], Path | None], in_thread: Callable[..., Any]) -> None:
        self._ca_file = ca_file
        self._in_thread = in_thread
        self._made: tuple[object, SSL.Context] | None = None

    async def creator(self, host: str) -> Creator:
        """For a connection to that host. Raises OSError: the file cannot be read."""
        path = self._ca_file()
        version = (path, path.stat().st_mtime_ns if path is not None else 0)
        if self._made is None or self._made[0] != version:
            self._made = (version, await self._in_thread(_context, path))
        return Creator(self._made[1], host)


def _context(path: Path | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION)
    context.set_default_verify_paths()
    if path is not None:
        try:
            context.load_verify_locations(str(path))
        except SSL.Error:
            raise OSError(f"{path} holds no certificates that can be read") from None
    return context


@implementer(IOpenSSLClientConnectionCreator)
class Creator:
    """RFC 8461 §3.3: the certificate must name the host."""

    def __init__(self, context: SSL.Context, host: str) -> None:
        self._context = context
        self._host = host
        self._id = DNS_ID(host) if is_six(host) is None else IPAddress_ID(host)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if isinstance(self._id, DNS_ID):
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        return connection

    def _verify(self, connection: SSL.Connection, certificate: Any, error: int, depth: int, good: int) -> bool:
        if depth != 0 or not good:
            return bool(good)
        try:
            verify_service_identity(extract_patterns(certificate), [self._id], [])
        except (VerificationError, ValueError):  # ValueError: an extension that cannot be read
            return False
        return True
