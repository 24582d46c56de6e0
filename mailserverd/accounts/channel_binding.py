"""What a TLS connection can be bound to (RFC 5929 §4, RFC 9266), for SCRAM-SHA-256-PLUS.

Standing rule: nothing is computed until a client asks for it; a connection without TLS has no binding at all.
"""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from mailserverd.wire.sasl.steps import ChannelBinding

_EXPORTER_LABEL = b"EXPORTER-Channel-Binding"  # RFC 9266 §2: empty context, 32 octets
_EXPORTER_OCTETS = 32


def channel_binding(transport: Any) -> ChannelBinding | None:
    """The bindings of a Twisted transport, or None where it has no TLS (yet)."""
    get_handle = getattr(transport, "getHandle", None)
    connection = get_handle() if get_handle is not None else None
    if connection is None or not hasattr(connection, "export_keying_material"):
        return None

    def octets(kind: str) -> bytes | None:
        if kind == "tls-exporter":
            return _exported(connection)
        if kind == "tls-unique":
            return _unique(connection)
        if kind == "tls-server-end-point":
            return _end_point(connection)
        return None

    return octets


def _exported(connection: Any) -> bytes | None:
    """RFC 9266 §3: unique on TLS 1.3; on TLS 1.2 only with an extended master secret, which we are not told."""
    if connection.get_protocol_version_name() != "TLSv1.3":
        return None
    exported: bytes = connection.export_keying_material(_EXPORTER_LABEL, _EXPORTER_OCTETS, b"")
    return exported


def _unique(connection: Any) -> bytes | None:
    """RFC 5929 §3.1, which RFC 5802 §6 demands and RFC 9266 leaves to TLS 1.2: the first Finished of the handshake, the
    client's. Of a resumed session it is the server's: we stay with the client's, so that no such session is bound, for
    without an extended master secret two of them can have the same (RFC 7627 §1)."""
    if connection.get_protocol_version_name() == "TLSv1.3":
        return None
    finished: bytes | None = connection.get_peer_finished()
    return finished


def _end_point(connection: Any) -> bytes | None:
    certificate = connection.get_certificate(as_cryptography=True)
    return None if certificate is None else end_point_hash(certificate)


def end_point_hash(certificate: x509.Certificate) -> bytes | None:
    """RFC 5929 §4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:  # Ed25519 has none: the binding is undefined
        return None
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate.public_bytes(serialization.Encoding.DER))
    return digest.finalize()
