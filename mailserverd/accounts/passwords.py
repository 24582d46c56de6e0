"""Making and checking the hashes of passwords: plain functions that take tens of milliseconds.

Standing rules: nothing here runs on the reactor thread; every check costs one PBKDF2 and one argon2id, whether the
account exists or not and however many app passwords it has. The SCRAM keys say which secret could be meant (they
share one salt and iteration count), argon2 decides.
"""

import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailserverd.model.account import Credential, Credentials
from mailserverd.wire.sasl.prepare import scram_password
from mailserverd.wire.sasl.scram import derive_keys

SCRAM_ITERATIONS = 10_000  # RFC 7677 §4: at least 4,096
SCRAM_SALT_OCTETS = 16
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)
_NOBODY_SALT = b"\0" * SCRAM_SALT_OCTETS
_NOBODY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

# 16 letters and digits that are hard to take for one another, in groups of four: 78 bits
_APP_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_APP_GROUPS, _APP_GROUP_LETTERS = 4, 4


def new_scram_salt() -> bytes:
    return secrets.token_bytes(SCRAM_SALT_OCTETS)


def make_credential(prepared: str, salt: bytes, iterations: int, label: str, now: int) -> Credential:
    """Hash a password that opaque_string() has prepared. salt and iterations: the account's (see Credentials)."""
    stored_key, server_key = derive_keys(scram_password(prepared), salt, iterations)
    return Credential(label, _HASHER.hash(prepared), stored_key, server_key, now)


def matching_label(prepared: str, credentials: Credentials | None) -> str | None:
    """The label of the secret that this password is, or None. None for credentials takes as long as any."""
    salt = credentials.scram_salt if credentials else _NOBODY_SALT
    iterations = credentials.scram_iterations if credentials else SCRAM_ITERATIONS
    stored_key, _ = derive_keys(scram_password(prepared), salt, iterations)
    chosen: Credential | None = None
    for secret in credentials.secrets if credentials else ():
        if hmac.compare_digest(secret.stored_key, stored_key):
            chosen = secret
    verified = _argon2_holds(chosen.argon2 if chosen else _NOBODY_HASH, prepared)
    return chosen.label if chosen is not None and verified else None


def _argon2_holds(encoded: str, prepared: str) -> bool:
    try:
        return _HASHER.verify(encoded, prepared)
    except (VerificationError, InvalidHashError):
        return False


def generate_password() -> str:
    """A password for a machine to keep: an app password, or a demo account's."""
    groups = ("".join(secrets.choice(_APP_ALPHABET) for _ in range(_APP_GROUP_LETTERS)) for _ in range(_APP_GROUPS))
    return "-".join(groups)
