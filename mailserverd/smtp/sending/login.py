"""AUTH (RFC 4954), over TLS and nowhere else.

Standing rules: a name and password go into no log and no reason; a login that fails is temporary for the mail that
waits: credentials are mended by a person, and the mail is good.
"""

import binascii
import hashlib
from collections.abc import Callable
from typing import Any

from mailserverd.interfaces.mail_transport import HopFailed
from mailserverd.model.outcome import TryLater
from mailserverd.smtp.sending.opening import Opening
from mailserverd.wire.sasl.client import BadChallenge, Credentials, Derive, Login, choose
from mailserverd.wire.smtp.client.outcome import failure_of
from mailserverd.wire.smtp.client.reply import Reply

NONCE_OCTETS = 18
MAX_STEPS = 4


def derive_by(in_thread: Callable[..., Any]) -> Derive:
    """in_thread: runs a function with its arguments elsewhere, and gives what can be awaited."""

    async def derive(digest: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        salted: bytes = await in_thread(hashlib.pbkdf2_hmac, digest, password, salt, iterations)
        return salted

    return derive


async def log_in(opening: Opening, over_tls: bool, random: Callable[[int], bytes], derive: Derive) -> None:
    """Raises HopFailed."""
    credentials = Credentials(*(opening.hop.credentials or ("", "")))
    if not over_tls:
        raise _failed("4.7.11", "a password is only sent over TLS, and the session has none")
    nonce = binascii.b2a_base64(random(NONCE_OCTETS), newline=False)
    login = choose(opening.offer.mechanisms, credentials, nonce, derive)
    if login is None:
        raise _failed("4.7.0", "the server offers no way to log in that is known here")
    try:
        reply = await _exchange(opening, login)
    except BadChallenge as error:
        opening.conversation.fail("given up")
        raise _failed("4.7.0", str(error)) from None
    if reply.code != 235:
        failure = failure_of(reply)
        raise HopFailed("auth", TryLater("4" + failure.status[1:], failure.why), reply.code, reply.text)
    if not login.proven:
        opening.conversation.fail("given up")
        raise _failed("4.7.0", "the server let us in without proving that it knows the password")


async def _exchange(opening: Opening, login: Login) -> Reply:
    """The reply that ends it. Raises BadChallenge."""
    seconds = opening.timeouts.ehlo_seconds
    first = login.first()
    command = f"AUTH {login.name}".encode() + (b"" if first is None else b" " + (_base64(first) or b"="))
    reply = await opening.reply("auth", command + b"\r\n", seconds)
    for _ in range(MAX_STEPS):
        if reply.code != 334:
            break
        answer = await login.step(_challenge(reply))
        reply = await opening.reply("auth", _base64(answer) + b"\r\n", seconds)
    if reply.code == 334:
        raise BadChallenge("the login has no end")
    if reply.code == 235 and not login.proven and len(reply.lines[-1].split()) > 0:
        await _last_word(login, reply)
    return reply


async def _last_word(login: Login, reply: Reply) -> None:
    """Some servers put what SCRAM proves them with into the 235 (RFC 4954 §4 has no place for it)."""
    try:
        said = binascii.a2b_base64(reply.lines[-1].split()[-1], strict_mode=True)
    except binascii.Error:
        return
    if said[:2] == b"v=":
        await login.step(said)


def _challenge(reply: Reply) -> bytes:
    try:
        return binascii.a2b_base64(reply.lines[-1].strip(), strict_mode=True)
    except binascii.Error:
        raise BadChallenge("a challenge is not base64") from None


def _base64(octets: bytes) -> bytes:
    return binascii.b2a_base64(octets, newline=False)


def _failed(status: str, why: str) -> HopFailed:
    return HopFailed("auth", TryLater(status, why))
