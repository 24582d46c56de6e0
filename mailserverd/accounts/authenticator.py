"""The one door for logins: Authenticator.password() for LOGIN and USER/PASS, Authenticator.sasl() for AUTH.

Standing rules: a failed login is answered late (see login_throttle) and the same way whoever does not exist; a
login over a channel in the clear is refused unless the peer's network is listed, whatever the protocol forgot to
check; nothing here suspends when the password is remembered, so callers may drive it by hand.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Container

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from mailserverd.accounts.hashing_pool import Hashing
from mailserverd.accounts.login import Login, LoginFailure, Peer, Refusal
from mailserverd.accounts.login_throttle import LoginThrottle
from mailserverd.accounts.passwords import SCRAM_ITERATIONS, SCRAM_SALT_OCTETS, matching_label
from mailserverd.accounts.remembered_passwords import RememberedPasswords
from mailserverd.accounts.sasl_exchange import SaslExchange
from mailserverd.interfaces.directory import Directory
from mailserverd.model.account import Account, Credentials
from mailserverd.model.errors import NotFound, StoreError
from mailserverd.wire.sasl.mechanisms import WITH_BINDING, WITHOUT_BINDING, mechanism_named
from mailserverd.wire.sasl.prepare import opaque_string
from mailserverd.wire.sasl.steps import ChannelBinding, Fault, ScramKeys

_NONCE_OCTETS = 18
_USED_SECONDS = 3600  # "last used" is written down at most this often
_FAULTS = {
    Fault.CANCELLED: Refusal.CANCELLED,
    Fault.MALFORMED: Refusal.MALFORMED,
    Fault.REFUSED: Refusal.INVALID,
}


class Authenticator:
    """clock: the reactor. wall_seconds: seconds since the epoch. nobody_key: 32 octets that stay the same over
    restarts; they make the salts of accounts that do not exist. outcome: told of every login and failure (logs,
    metrics)."""

    def __init__(
        self,
        directory: Directory,
        hashing: Hashing,
        throttle: LoginThrottle,
        remembered: RememberedPasswords,
        clock: IReactorTime,
        wall_seconds: Callable[[], float],
        nobody_key: bytes,
        outcome: Callable[[Peer, str, Login | LoginFailure], None] = lambda peer, name, result: None,
    ) -> None:
        self._directory = directory
        self._hashing = hashing
        self._throttle = throttle
        self._remembered = remembered
        self._clock = clock
        self._wall_seconds = wall_seconds
        self._nobody_key = nobody_key
        self._outcome = outcome
        self.insecure_networks: Container[str] = ()
        self.channel_binding = True

    def allows(self, peer: Peer) -> bool:
        """Whether LOGIN, USER/PASS and AUTH may be used now: over TLS, or from a network listed as insecure."""
        return peer.tls or peer.address in self.insecure_networks

    def mechanisms(self, peer: Peer) -> tuple[str, ...]:
        """The mechanisms to advertise to this peer now, best first; () where logging in needs TLS first."""
        if peer.tls and self.channel_binding:
            return WITH_BINDING
        return WITHOUT_BINDING if self.allows(peer) else ()

    async def password(self, login: str, password: bytes, peer: Peer, mechanism: str = "") -> Login | LoginFailure:
        """Verify a name and a password. login: user@domain, any case, or the local part of the first domain."""
        if not self.allows(peer):
            return self._told(peer, login, LoginFailure(Refusal.TLS_REQUIRED))
        try:
            found = await self._check(login, opaque_string(password), peer.address)
        except StoreError as error:
            return self._told(peer, login, LoginFailure(Refusal.UNAVAILABLE, str(error)))
        if isinstance(found, LoginFailure):
            return await self._failed(peer, login, found)
        account, credentials, label = found
        return self._admitted(peer, login, Login(account, mechanism, label), credentials)

    async def _check(
        self, login: str, prepared: str | None, address: str
    ) -> tuple[Account, Credentials, str] | LoginFailure:
        if prepared is None:
            return LoginFailure(Refusal.INVALID, "not a possible password")
        account, credentials = await self._find(login)
        if account is not None and credentials is not None:
            label = self._remembered.recall(account.account_id, credentials.generation, prepared)
            if label is not None:
                return account, credentials, label

        def recall() -> str | None:
            """Verified for another connection while this one waited: a client opens several at once."""
            if account is None or credentials is None:
                return None
            return self._remembered.recall(account.account_id, credentials.generation, prepared)

        label = await self._hashing.run(lambda: matching_label(prepared, credentials), address, recall)
        if account is None or credentials is None or label is None:
            return LoginFailure(Refusal.INVALID, "no such account" if account is None else "wrong password")
        if not await self.is_current(credentials):
            return LoginFailure(Refusal.INVALID, "the password was changed meanwhile")
        self._remembered.remember(account.account_id, credentials.generation, prepared, label)
        return account, credentials, label

    async def apop(self, login: str, timestamp: bytes, digest: bytes, peer: Peer) -> Login | LoginFailure:
        """RFC 1939 §7: digest is MD5 of timestamp + secret in lower-case hex. Only for accounts with an APOP secret."""
        if not self.allows(peer):
            return self._told(peer, login, LoginFailure(Refusal.TLS_REQUIRED))
        account, credentials = await self._find(login)
        secret = credentials.apop_secret.encode() if credentials is not None else b""
        right = hashlib.md5(timestamp + (secret or self._nobody_key), usedforsecurity=False).hexdigest().encode()
        matches = hmac.compare_digest(right, digest.lower())
        if account is None or credentials is None or not secret or not matches:
            return await self._failed(peer, login, LoginFailure(Refusal.INVALID, "APOP digest does not hold"))
        return self._admitted(peer, login, Login(account, "APOP"), credentials)

    def sasl(self, mechanism: str, channel: ChannelBinding | None, peer: Peer) -> SaslExchange | LoginFailure:
        """Begin an exchange. channel: channel_binding(transport) where the connection has TLS, else None."""
        if not self.allows(peer):
            return LoginFailure(Refusal.TLS_REQUIRED)
        if not self.channel_binding:  # then a client that could bind is not being deceived (RFC 5802 §6)
            channel = None
        chosen = mechanism_named(mechanism, channel, secrets.token_urlsafe(_NONCE_OCTETS).encode())
        if chosen is None:
            return LoginFailure(Refusal.UNKNOWN_MECHANISM)
        return SaslExchange(self, chosen, mechanism.upper(), peer)

    # What an exchange asks of us.

    async def scram_keys(self, login: str) -> tuple[ScramKeys, Account | None, Credentials | None]:
        """The keys of this name; made-up ones that stay the same where there are none (RFC 5802 §9 wants no less)."""
        account, credentials = await self._find(login)
        if credentials is None or not credentials.secrets:
            return self._nobody_keys(login), None, None
        pairs = tuple((secret.stored_key, secret.server_key) for secret in credentials.secrets)
        return ScramKeys(credentials.scram_salt, credentials.scram_iterations, pairs), account, credentials

    def _nobody_keys(self, login: str) -> ScramKeys:
        seed = hmac.digest(self._nobody_key, login.casefold().encode(), "sha512")
        return ScramKeys(seed[:SCRAM_SALT_OCTETS], SCRAM_ITERATIONS, ((seed[32:], hashlib.sha256(seed).digest()),))

    async def proven(self, peer: Peer, login: str, came_in: Login, credentials: Credentials) -> Login | LoginFailure:
        """A SCRAM proof held against these credentials: it counts if they are still the account's."""
        if not await self.is_current(credentials):
            return await self._failed(peer, login, LoginFailure(Refusal.INVALID, "the password was changed meanwhile"))
        return self._admitted(peer, login, came_in, credentials)

    async def refused(self, peer: Peer, login: str, fault: Fault, why: str) -> LoginFailure:
        """An exchange ended without a login. Guesses are answered late, broken syntax at once."""
        failure = LoginFailure(_FAULTS[fault], why)
        if fault is Fault.REFUSED:
            return await self._failed(peer, login, failure)
        return self._told(peer, login, failure)

    async def authorized(self, peer: Peer, came_in: Login, authorize_as: str) -> Login | LoginFailure:
        """RFC 4422 §3.4.1: nobody acts for another account; naming one's own is no more than polite."""
        if authorize_as:
            other, _ = await self._find(authorize_as)
            if other is None or other.account_id != came_in.account.account_id:
                why = f"{came_in.account.address} asked to act as {authorize_as}"
                return self._told(peer, came_in.account.address, LoginFailure(Refusal.NOT_AUTHORIZED, why))
        return came_in

    async def _find(self, login: str) -> tuple[Account | None, Credentials | None]:
        try:
            account = await self._directory.login_account(login)
            return account, await self._directory.credentials(account.account_id)
        except NotFound:
            return None, None

    async def is_current(self, credentials: Credentials) -> bool:
        now = await self._directory.credentials(credentials.account_id)
        return now is not None and now.generation == credentials.generation

    # How a login ends.

    def _told(self, peer: Peer, login: str, failure: LoginFailure) -> LoginFailure:
        self._outcome(peer, login, failure)
        return failure

    async def _failed(self, peer: Peer, login: str, failure: LoginFailure) -> LoginFailure:
        self._outcome(peer, login, failure)
        delay = self._throttle.failed(login.casefold(), peer.address)
        if delay > 0:
            await deferLater(self._clock, delay)
        return failure

    def _admitted(self, peer: Peer, login: str, came_in: Login, credentials: Credentials) -> Login | LoginFailure:
        if came_in.account.disabled:
            return self._told(peer, login, LoginFailure(Refusal.DISABLED, "right password, disabled account"))
        self._throttle.succeeded(login.casefold(), peer.address)
        self._note_use(credentials, came_in.label)
        self._outcome(peer, login, came_in)
        return came_in

    def _note_use(self, credentials: Credentials, label: str) -> None:
        """Write down when a secret was last used, without making the login wait for it."""
        now = int(self._wall_seconds())
        used = next((secret.last_used_at for secret in credentials.secrets if secret.label == label), now)
        if used is None or now - used >= _USED_SECONDS:
            written = Deferred.fromCoroutine(self._directory.note_use(credentials.account_id, label, now))
            written.addErrback(lambda failure: _log.failure("could not note the use of a password", failure))


_log = Logger()
