"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802, RFC 7677, RFC 9266).

Standing rules: the same Step comes whether or not the name exists (who gives the keys gives made-up ones for a
stranger); proofs are compared in constant time; an unknown mandatory extension ("m=") ends the exchange.
"""

import binascii
import hashlib
import hmac
from typing import NamedTuple

from mailserverd.wire.sasl.prepare import MAX_LOGIN_OCTETS
from mailserverd.wire.sasl.steps import (
    Challenge,
    ChannelBinding,
    Failed,
    Fault,
    KeysWanted,
    Proven,
    ScramKeys,
    Step,
)

BINDING_TYPES = ("tls-exporter", "tls-unique", "tls-server-end-point")
MAX_NONCE_OCTETS = 512
_DIGEST = "sha256"
_PROOF_OCTETS = 32


class ClientFirst(NamedTuple):
    """binding: "" for "n", "?" for "y" (could bind, thinks that we cannot), else the binding type."""

    header: bytes
    binding: str
    authorize_as: str
    login: str
    nonce: bytes
    bare: bytes


class ClientFinal(NamedTuple):
    bound: bytes
    nonce: bytes
    proof: bytes
    without_proof: bytes


def derive_keys(password: bytes, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """(StoredKey, ServerKey) of a prepared password. Takes milliseconds: never on the reactor thread."""
    salted = hashlib.pbkdf2_hmac(_DIGEST, password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", _DIGEST)
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", _DIGEST)


def parse_client_first(message: bytes) -> ClientFirst | Failed:
    """client-first-message = gs2-cbind-flag "," [authzid] "," [mext ","] username "," nonce ["," extensions]"""
    parts = message.split(b",")
    if len(parts) < 4:
        return _malformed("client-first-message")
    flag, authorize_as, user, nonce = parts[:4]
    binding = _binding_of(flag)
    if binding is None or not _is_nonce(nonce[2:]) or nonce[:2] != b"r=" or user[:2] != b"n=":
        return _malformed("client-first-message")  # an "m=" in place of "n=" ends here too: RFC 5802 §5.1
    login = _name(user[2:])
    acting = "" if not authorize_as else _name(authorize_as[2:]) if authorize_as[:2] == b"a=" else None
    if login is None or acting is None:
        return _malformed("name")
    header = b"%b,%b," % (flag, authorize_as)
    return ClientFirst(header, binding, acting, login, nonce[2:], message[len(header) :])


def parse_client_final(message: bytes) -> ClientFinal | Failed:
    """client-final-message = channel-binding "," nonce ["," extensions] "," proof"""
    without_proof, mark, proof_text = message.rpartition(b",p=")
    parts = without_proof.split(b",")
    if not mark or len(parts) < 2 or parts[0][:2] != b"c=" or parts[1][:2] != b"r=":
        return _malformed("client-final-message")
    try:
        bound = binascii.a2b_base64(parts[0][2:], strict_mode=True)
        proof = binascii.a2b_base64(proof_text, strict_mode=True)
    except binascii.Error:
        return _malformed("base64 in client-final-message")
    if len(proof) != _PROOF_OCTETS:
        return _malformed("length of the proof")
    return ClientFinal(bound, parts[1][2:], proof, without_proof)


def _malformed(what: str) -> Failed:
    return Failed(Fault.MALFORMED, f"SCRAM: bad {what}")


def _binding_of(flag: bytes) -> str | None:
    if flag == b"n":
        return ""
    if flag == b"y":
        return "?"
    if flag[:2] == b"p=" and 0 < len(flag) - 2 <= 64 and flag.isascii():
        return flag[2:].decode("ascii")
    return None


def _is_nonce(nonce: bytes) -> bool:
    return 0 < len(nonce) <= MAX_NONCE_OCTETS and not nonce.translate(None, _PRINTABLE)


_PRINTABLE = bytes(octet for octet in range(0x21, 0x7F) if octet != 0x2C)


def _name(saslname: bytes) -> str | None:
    """saslname: "," and "=" are written =2C and =3D, any other "=" is an error (RFC 5802 §5.1)."""
    if not 0 < len(saslname) <= MAX_LOGIN_OCTETS or b"\0" in saslname:
        return None
    if saslname.count(b"=") != saslname.count(b"=2C") + saslname.count(b"=3D"):
        return None
    try:
        return saslname.replace(b"=2C", b",").replace(b"=3D", b"=").decode()
    except UnicodeDecodeError:
        return None


def verify_proof(keys: ScramKeys, proof: bytes, auth_message: bytes) -> int | None:
    """Which of the account's secrets the proof was made with. Every pair is tried, in constant time each."""
    found: int | None = None
    for index, (stored_key, _server_key) in enumerate(keys.pairs):
        signature = hmac.digest(stored_key, auth_message, _DIGEST)
        client_key = (int.from_bytes(proof) ^ int.from_bytes(signature)).to_bytes(_PROOF_OCTETS)
        if hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key):
            found = index
    return found


class Scram:
    """plus: the -PLUS mechanism was chosen. channel: what the connection can be bound to, None where -PLUS was not
    offered. nonce: our part, fresh and random, printable and without commas."""

    __slots__ = ("_channel", "_first", "_keys", "_nonce", "_plus", "_proven", "_server_first")

    def __init__(self, *, plus: bool, channel: ChannelBinding | None, nonce: bytes) -> None:
        self._plus = plus
        self._channel = channel
        self._nonce = nonce
        self._first: ClientFirst | None = None
        self._keys: ScramKeys | None = None
        self._server_first = b""
        self._proven: Proven | None = None

    def start(self, initial: bytes | None) -> Step:
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> Step:
        if self._proven is not None:
            return self._proven if not response else _malformed("answer to the server's proof")
        if self._first is None:
            return self._client_first(response)
        return self._client_final(self._first, response)

    def keys(self, keys: ScramKeys) -> Step:
        """The answer to KeysWanted."""
        assert self._first is not None
        self._keys = keys
        salt = binascii.b2a_base64(keys.salt, newline=False)
        self._server_first = b"r=%b%b,s=%b,i=%d" % (self._first.nonce, self._nonce, salt, keys.iterations)
        return Challenge(self._server_first)

    def _client_first(self, message: bytes) -> Step:
        first = parse_client_first(message)
        if isinstance(first, Failed):
            return first
        if self._plus != (first.binding not in ("", "?")):  # RFC 5802 §6
            return Failed(Fault.REFUSED, "SCRAM: channel binding flag does not fit the mechanism")
        if first.binding == "?" and self._channel is not None:  # RFC 5802 §6: somebody took -PLUS from our list
            return Failed(Fault.REFUSED, "SCRAM: server does support channel binding")
        if self._plus and (self._channel is None or first.binding not in BINDING_TYPES):
            return Failed(Fault.REFUSED, "SCRAM: unsupported channel binding type")
        self._first = first
        return KeysWanted(first.login)

    def _client_final(self, first: ClientFirst, message: bytes) -> Step:
        final = parse_client_final(message)
        if isinstance(final, Failed):
            return final
        if self._keys is None or not hmac.compare_digest(final.nonce, first.nonce + self._nonce):
            return Failed(Fault.REFUSED, "SCRAM: nonce does not match")
        bound = self._expected_binding(first)
        if bound is None or not hmac.compare_digest(final.bound, bound):
            return Failed(Fault.REFUSED, "SCRAM: channel bindings do not match")
        auth_message = b"%b,%b,%b" % (first.bare, self._server_first, final.without_proof)
        key = verify_proof(self._keys, final.proof, auth_message)
        if key is None:
            return Failed(Fault.REFUSED, "SCRAM: proof does not hold")
        self._proven = Proven(first.login, first.authorize_as, key)
        verifier = hmac.digest(self._keys.pairs[key][1], auth_message, _DIGEST)
        return Challenge(b"v=" + binascii.b2a_base64(verifier, newline=False))

    def _expected_binding(self, first: ClientFirst) -> bytes | None:
        if not self._plus:
            return first.header
        octets = self._channel(first.binding) if self._channel is not None else None
        return None if octets is None else first.header + octets
