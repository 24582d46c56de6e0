"""The key in a DNS record, and whether a signature is of it (RFC 6376 §3.6.1, RFC 8301, RFC 8463).

Standing rules: what cannot be read verifies nothing; RSA below 1,024 bits and SHA-1 count as no signature.
"""

from base64 import b64decode
from binascii import Error as BinasciiError
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailserverd.wire.authentication.signing_key import ED25519, RSA
from mailserverd.wire.authentication.tag_list import BadTags, parse_tags

_MIN_BITS, _MAX_BITS = 1024, 8192  # RFC 8301 §3.2
_PADDING, _DIGEST = PKCS1v15(), Prehashed(SHA256())


class BadKey(ValueError):
    """No key that a signature can be verified with."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    kind: str
    public: RSAPublicKey | Ed25519PublicKey

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        try:
            if isinstance(self.public, Ed25519PublicKey):
                self.public.verify(signature, digest)
            else:
                self.public.verify(signature, digest, _PADDING, _DIGEST)
        except InvalidSignature:
            return False
        return True


def read_public_key(record: bytes) -> VerifyingKey:
    """Raises BadKey."""
    try:
        tags = parse_tags(record)
        octets = unbase64(tags.get(b"p", b""))
    except (BadTags, BinasciiError) as error:
        raise BadKey(str(error)) from error
    if tags.get(b"v", b"DKIM1") != b"DKIM1" or not octets:  # an empty p= is a key that was withdrawn
        raise BadKey("no key, or one that was withdrawn")
    if b"sha256" not in tags.get(b"h", b"sha256").replace(b" ", b"").split(b":"):
        raise BadKey("not for SHA-256")
    kind = tags.get(b"k", b"rsa").decode("ascii", "replace")
    try:
        if kind == ED25519:
            return VerifyingKey(kind, Ed25519PublicKey.from_public_bytes(octets))
        public = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey("no public key") from error
    if kind != RSA or not isinstance(public, RSAPublicKey) or not _MIN_BITS <= public.key_size <= _MAX_BITS:
        raise BadKey("a key of another kind or size")
    return VerifyingKey(kind, public)


def unbase64(text: bytes) -> bytes:
    """Base64 with white space in it. Raises BinasciiError."""
    return b64decode(b"".join(text.split()), validate=True)
