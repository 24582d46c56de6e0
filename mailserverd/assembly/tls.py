"""The server's side of TLS, for STARTTLS and for TLS from the first octet.

Standing rules: TLS 1.2 at least, no compression, no renegotiation; tickets are on and nothing is cached, so a
client resumes at no cost in memory here; `reload` changes what new handshakes use, sessions go on undisturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from mailserverd.config.schema import Tls

_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE


class TlsProblem(Exception):
    """[tls] cannot be used; `lines` has one line for each thing to mend, "tls.key: what to do"."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """Makes the TLS state of each new connection from the certificate loaded last."""

    def __init__(self, settings: Tls) -> None:
        self._context = _context(settings)

    def reload(self, settings: Tls) -> None:
        """Use these files and settings from now on. Raises TlsProblem, and then all stays as it was."""
        self._context = _context(settings)

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(self._context, None)


def _context(settings: Tls) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[settings.minimum_version])
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"mailserverd")
    problems = [
        f"tls.{key}: {problem}"
        for key, problem in (
            ("ciphers", _use_ciphers(context, settings.ciphers)),
            ("certificate", _use_file(context.use_certificate_chain_file, "certificate", settings.certificate)),
            ("private_key", _use_file(context.use_privatekey_file, "private key", settings.private_key)),
        )
        if problem is not None
    ]
    if problems:
        raise TlsProblem(problems)
    return context


def _use_ciphers(context: SSL.Context, ciphers: str) -> str | None:
    try:
        context.set_cipher_list(ciphers.encode("ascii", "replace"))
    except SSL.Error:
        return "names no cipher that OpenSSL knows; remove the line to use the default"
    return None


def _use_file(use: Callable[[str], None], what: str, path: Path) -> str | None:
    try:
        path.open("rb").close()
        use(str(path))
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}); put the PEM file there"
    except SSL.Error as error:
        if "mismatch" in str(error):
            return f"{path} is not the key of the certificate; name files that belong together"
        return f"{path} holds no usable PEM {what}; write it anew"
    return None
