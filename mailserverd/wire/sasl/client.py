"""SASL from the client's side: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and SCRAM-SHA-1 (RFC 5802, RFC 7677).

Standing rules: SCRAM comes first where a server offers it, as it gives no password away, and a server that cannot
prove that it knows ours is not believed; how much work a server may ask for is bounded.
"""

import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from mailserverd.wire.sasl.prepare import opaque_string, scram_password

MAX_ITERATIONS = 1_000_000
MAX_SALT_OCTETS = 1024
MAX_NONCE_OCTETS = 1024

Derive = Callable[[str, bytes, bytes, int], Awaitable[bytes]]
"""PBKDF2 with HMAC: digest, password, salt, iterations. It takes milliseconds, and so is not done on the spot."""


class BadChallenge(Exception):
    """The server broke the rules of the mechanism, or did not prove itself; the text says which."""


class Login(Protocol):
    """One exchange. first: the initial response, None where the mechanism has none. proven: nothing is left that the
    server has to prove."""

    name: str
    proven: bool

    def first(self) -> bytes | None: ...

    async def step(self, challenge: bytes) -> bytes: ...


class Credentials(NamedTuple):
    user: str
    password: str


class PlainLogin:
    name = "PLAIN"
    proven = True

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def first(self) -> bytes | None:
        return b"\0%b\0%b" % (self._credentials.user.encode(), self._credentials.password.encode())

    async def step(self, challenge: bytes) -> bytes:
        raise BadChallenge("PLAIN has one step")


class LoginLogin:
    """Asks for the name, then for the password, in words that differ from server to server."""

    name = "LOGIN"
    proven = True

    def __init__(self, credentials: Credentials) -> None:
        self._left = [credentials.password.encode(), credentials.user.encode()]

    def first(self) -> bytes | None:
        return None

    async def step(self, challenge: bytes) -> bytes:
        if not self._left:
            raise BadChallenge("LOGIN has two steps")
        return self._left.pop()


class ScramLogin:
    """nonce: fresh and random, printable and without commas."""

    def __init__(self, name: str, credentials: Credentials, nonce: bytes, derive: Derive) -> None:
        self.name = name
        self.proven = False
        self._digest = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}[name]
        self._credentials = credentials
        self._nonce = nonce
        self._derive = derive
        self._server_signature = b""

    def first(self) -> bytes | None:
        return b"n,," + self._bare()

    async def step(self, challenge: bytes) -> bytes:
        if self._server_signature:
            self._verify(challenge)
            return b""
        nonce, salt, iterations = self._server_first(challenge)
        prepared = opaque_string(self._credentials.password)
        if prepared is None:
            raise BadChallenge("the password is none that SCRAM can use")
        salted = await self._derive(self._digest, scram_password(prepared), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self._digest)
        without_proof = b"c=biws,r=" + nonce
        message = b",".join((self._bare(), challenge, without_proof))
        signature = hmac.digest(hashlib.new(self._digest, client_key).digest(), message, self._digest)
        self._server_signature = hmac.digest(hmac.digest(salted, b"Server Key", self._digest), message, self._digest)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return without_proof + b",p=" + binascii.b2a_base64(proof, newline=False)

    def _bare(self) -> bytes:
        user = self._credentials.user.replace("=", "=3D").replace(",", "=2C")
        return b"n=%b,r=%b" % (user.encode(), self._nonce)

    def _server_first(self, challenge: bytes) -> tuple[bytes, bytes, int]:
        """r=nonce "," s=salt "," i=iteration-count ["," extensions] (RFC 5802 §7)"""
        parts = challenge.split(b",")
        if len(parts) < 3 or parts[0][:2] != b"r=" or parts[1][:2] != b"s=" or parts[2][:2] != b"i=":
            raise BadChallenge("SCRAM: bad server-first-message")
        nonce = parts[0][2:]
        if not nonce.startswith(self._nonce) or not len(self._nonce) < len(nonce) <= MAX_NONCE_OCTETS:
            raise BadChallenge("SCRAM: the nonce is not ours")  # RFC 5802 §5.1
        try:
            salt = binascii.a2b_base64(parts[1][2:], strict_mode=True)
        except binascii.Error:
            raise BadChallenge("SCRAM: bad salt") from None
        count = parts[2][2:]
        if not 0 < len(salt) <= MAX_SALT_OCTETS or not count.isdigit() or len(count) > 7:
            raise BadChallenge("SCRAM: bad salt or iteration count")
        if not 0 < int(count) <= MAX_ITERATIONS:
            raise BadChallenge("SCRAM: it asks for too much work")
        return nonce, salt, int(count)

    def _verify(self, challenge: bytes) -> None:
        try:
            shown = binascii.a2b_base64(challenge.split(b",")[0][2:], strict_mode=True)
        except binascii.Error:
            shown = b""
        if challenge[:2] != b"v=" or not hmac.compare_digest(shown, self._server_signature):
            raise BadChallenge("SCRAM: the server does not know the password")
        self.proven = True


def choose(offered: frozenset[str], credentials: Credentials, nonce: bytes, derive: Derive) -> Login | None:
    """The best mechanism that is offered, None where none is known."""
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
        if name in offered:
            return ScramLogin(name, credentials, nonce, derive)
    if "PLAIN" in offered:
        return PlainLogin(credentials)
    return LoginLogin(credentials) if "LOGIN" in offered else None
