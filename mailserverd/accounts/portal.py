"""Twisted's cred over the Authenticator, for protocols that want a Portal.

Standing rules: the checker is made for one connection (it needs its Peer) and decides nothing itself; avatars come
from factories that assembly hands in, one an interface, so that no protocol is known here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.accounts.login import Login, LoginFailure, Peer

AvatarFactory = Callable[[Login], tuple[Any, Callable[[], None]]]
"""Gives the avatar and what to call at its logout."""


@implementer(ICredentialsChecker)
class PasswordChecker:
    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, authenticator: Authenticator, peer: Peer) -> None:
        self._authenticator = authenticator
        self._peer = peer

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """The avatar id is the Login itself."""
        return Deferred.fromCoroutine(self._check(credentials.username, credentials.password))

    async def _check(self, name: bytes, password: bytes) -> Login:
        result = await self._authenticator.password(name.decode("utf-8", "replace"), password, self._peer)
        if isinstance(result, LoginFailure):
            raise UnauthorizedLogin(result.refusal.text)
        return result


@implementer(IRealm)
class Realm:
    def __init__(self, factories: Mapping[Any, AvatarFactory]) -> None:
        self._factories = factories

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> tuple[Any, Any, Callable[[], None]]:
        for interface in interfaces:
            factory = self._factories.get(interface)
            if factory is not None:
                avatar, logout = factory(avatarId)
                return interface, avatar, logout
        raise UnauthorizedLogin("no such service")


def portal(authenticator: Authenticator, peer: Peer, factories: Mapping[Any, AvatarFactory]) -> Portal:
    return Portal(Realm(factories), [PasswordChecker(authenticator, peer)])
