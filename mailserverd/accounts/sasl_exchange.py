"""One AUTH / AUTHENTICATE command from its first line to a Login or a LoginFailure.

Standing rules: lines go in and come out as base64, as all protocols carry them; an exchange is bounded in steps by
its mechanism; after it ended every further step is malformed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailserverd.accounts.login import Login, LoginFailure, Peer, Refusal
from mailserverd.model.account import Account, Credentials
from mailserverd.model.errors import StoreError
from mailserverd.wire.sasl.base64_line import decode_initial, decode_response, encode_challenge
from mailserverd.wire.sasl.scram import Scram
from mailserverd.wire.sasl.steps import (
    Challenge,
    Failed,
    Fault,
    KeysWanted,
    Mechanism,
    PasswordGiven,
    Proven,
    Step,
)

if TYPE_CHECKING:
    from mailserverd.accounts.authenticator import Authenticator


class ServerChallenge(NamedTuple):
    """Send b"334 " or b"+ " followed by line, then give the client's answer line to step()."""

    line: bytes


Reply = ServerChallenge | Login | LoginFailure


class SaslExchange:
    """await start() once, then step() with each line of the client while the Reply is a ServerChallenge."""

    __slots__ = ("_account", "_authenticator", "_credentials", "_login", "_mechanism", "_name", "_over", "_peer")

    def __init__(self, authenticator: Authenticator, mechanism: Mechanism, name: str, peer: Peer) -> None:
        self._authenticator = authenticator
        self._mechanism = mechanism
        self._name = name
        self._peer = peer
        self._login = ""
        self._account: Account | None = None
        self._credentials: Credentials | None = None
        self._over = False

    async def start(self, initial: bytes | None) -> Reply:
        """initial: the initial response as it stood in the command ("=" is an empty one), None where there was none."""
        if initial is None:
            return await self._follow(self._mechanism.start(None))
        octets = decode_initial(initial)
        return await self._follow(octets if isinstance(octets, Failed) else self._mechanism.start(octets))

    async def step(self, line: bytes) -> Reply:
        """line: the client's answer, without CRLF; "*" cancels."""
        if self._over:
            return LoginFailure(Refusal.MALFORMED, "the exchange is over")
        octets = decode_response(line)
        return await self._follow(octets if isinstance(octets, Failed) else self._mechanism.step(octets))

    async def _follow(self, step: Step) -> Reply:
        try:
            if isinstance(step, KeysWanted):
                step = await self._keys(step)
            if isinstance(step, Challenge):
                return ServerChallenge(encode_challenge(step.octets))
            self._over = True
            return await self._end(step)
        except StoreError as error:
            self._over = True
            return LoginFailure(Refusal.UNAVAILABLE, str(error))

    async def _keys(self, wanted: KeysWanted) -> Step:
        self._login = wanted.login
        keys, self._account, self._credentials = await self._authenticator.scram_keys(wanted.login)
        assert isinstance(self._mechanism, Scram)
        return self._mechanism.keys(keys)

    async def _end(self, step: Step) -> Login | LoginFailure:
        if isinstance(step, PasswordGiven):
            self._login = step.login
            result = await self._authenticator.password(step.login, step.password, self._peer, self._name)
            return await self._authorized(result, step.authorize_as)
        if isinstance(step, Proven) and self._account is not None and self._credentials is not None:
            came_in = Login(self._account, self._name, self._credentials.secrets[step.key].label)
            proven = await self._authenticator.proven(self._peer, step.login, came_in, self._credentials)
            return await self._authorized(proven, step.authorize_as)
        fault, why = (step.fault, step.why) if isinstance(step, Failed) else (Fault.REFUSED, "no such account")
        return await self._authenticator.refused(self._peer, self._login, fault, why)

    async def _authorized(self, result: Login | LoginFailure, authorize_as: str) -> Login | LoginFailure:
        if isinstance(result, LoginFailure):
            return result
        return await self._authenticator.authorized(self._peer, result, authorize_as)
