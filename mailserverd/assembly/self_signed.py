"""A self-signed certificate, so that a new server has TLS at once.

Standing rules: P-256, whose handshakes are the cheapest; the key is written before the certificate and readable by
its owner alone; a file that exists is never overwritten.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 825  # the longest that Apple's clients accept


def write_self_signed(certificate: Path, private_key: Path, hostname: str, now: datetime | None = None) -> bool:
    """Make both files for `hostname`, localhost and 127.0.0.1. False where one of them exists. Raises OSError."""
    if certificate.exists() or private_key.exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(private_key, pem, 0o600)
    _write(certificate, _signed(key, hostname, now or datetime.now(UTC)).public_bytes(Encoding.PEM), 0o644)
    return True


def _signed(key: ec.EllipticCurvePrivateKey, hostname: str, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])  # RFC 5280 ub-common-name
    names = list(dict.fromkeys((hostname, "localhost")))
    alternatives = [*(x509.DNSName(each) for each in names), x509.IPAddress(ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
