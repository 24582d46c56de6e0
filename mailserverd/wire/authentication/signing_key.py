"""The private keys of DKIM and ARC: made, read, used, and the record that is published for one (RFC 6376 §3.6.1).

Standing rules: RSA has 2048 bits here (RFC 8301 §3.2), and what is read has at least 1024 and at most 4096; both
algorithms sign the SHA-256 of the header, so that it is computed once (RFC 8463 §3).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

RSA = "rsa"
ED25519 = "ed25519"
ALGORITHMS = (RSA, ED25519)
RSA_BITS = 2048
_MIN_RSA_BITS, _MAX_RSA_BITS = 1024, 4096
_PADDING, _DIGEST = PKCS1v15(), Prehashed(SHA256())


class UnusableKey(ValueError):
    """No private key that mail can be signed with; the text says why."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """kind: "rsa" or "ed25519". domain: A-labels."""

    domain: str
    selector: str
    kind: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        return f"{self.kind}-sha256"

    def sign(self, digest: bytes) -> bytes:
        """digest: SHA-256. RSA: PKCS#1 v1.5 (RFC 6376 §3.3.1); Ed25519: of the digest itself (RFC 8463 §3)."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(digest)
        return self.private.sign(digest, _PADDING, _DIGEST)

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    def record(self) -> str:
        """What the TXT record says."""
        return f"v=DKIM1; k={self.kind}; p={b64encode(self._public()).decode()}"

    def _public(self) -> bytes:
        public = self.private.public_key()
        if self.kind == ED25519:
            return public.public_bytes(Encoding.Raw, PublicFormat.Raw)  # RFC 8463 §4.2
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def pem(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_key(domain: str, selector: str, kind: str) -> SigningKey:
    private = generate_private_key(65537, RSA_BITS) if kind == RSA else Ed25519PrivateKey.generate()
    return SigningKey(domain, selector, kind, private)


def read_key(domain: str, selector: str, pem: bytes) -> SigningKey:
    """Raises UnusableKey."""
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey("is no private key in PEM without a passphrase") from None
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey(domain, selector, ED25519, private)
    if not isinstance(private, RSAPrivateKey):
        raise UnusableKey("is neither an RSA nor an Ed25519 key")
    if not _MIN_RSA_BITS <= private.key_size <= _MAX_RSA_BITS:
        raise UnusableKey(f"has {private.key_size} bits; mail is signed with {RSA_BITS}")
    return SigningKey(domain, selector, RSA, private)
