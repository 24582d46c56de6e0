"""dkimpy takes Ed25519 from PyNaCl, which the project does not need: here `cryptography` does that one step for it.

All else of its verification (records, tags, canonical forms, hashes) stays its own.
"""

from base64 import b64decode
from types import SimpleNamespace

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class BadSignatureError(Exception):
    pass


class VerifyKey:
    def __init__(self, key: bytes, encoder: object = None) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(b64decode(key))

    def verify(self, message: bytes, signature: bytes) -> bytes:
        try:
            self._key.verify(signature, message)
        except InvalidSignature as error:
            raise BadSignatureError from error
        return message


def teach_dkimpy() -> None:
    if not hasattr(dkim, "nacl"):
        dkim.nacl = SimpleNamespace(
            signing=SimpleNamespace(VerifyKey=VerifyKey),
            encoding=SimpleNamespace(Base64Encoder=None),
            exceptions=SimpleNamespace(BadSignatureError=BadSignatureError, ValueError=ValueError),
        )
