"""The one door for logins: Authenticator.password() for LOGIN and USER/PASS, Authenticator.sasl() for AUTH.

Standing rules: a failed login is answered late (see login_throttle) and the same way whoever does not exist; a
login over a channel in the clear is refused unless the peer's network is listed, whatever the protocol forgot to
check; nothing here suspends when the password is remembered, so callers may drive it by hand.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from mailserverd.accounts.login import Login, LoginFailure, Peer
from mailserverd.wire.sasl.steps import ChannelBinding


class ServerChallenge(NamedTuple):
    """Send b"334 " / b"+ " + line, then give the client's answer line to step()."""

    line: bytes


Reply = ServerChallenge | Login | LoginFailure


class SaslExchange:
    """One AUTH / AUTHENTICATE command. Lines are base64 as on the wire, without CRLF.

    start(initial): initial is None where the command carried no initial response ("=" stands for an empty one).
    step(line): the client's answer; "*" cancels. Both give a Reply; after a Login or a LoginFailure it is over.
    """

    def start(self, initial: bytes | None) -> Awaitable[Reply]: ...

    def step(self, line: bytes) -> Awaitable[Reply]: ...


class Authenticator:
    def mechanisms(self, peer: Peer) -> tuple[str, ...]:
        """The mechanisms to advertise to this peer now, best first; () where logging in needs TLS first."""
        ...

    def allows(self, peer: Peer) -> bool:
        """Whether LOGIN, USER/PASS and AUTH may be used now: over TLS, or from a network listed as insecure."""
        ...

    async def password(self, login: str, password: bytes, peer: Peer) -> Login | LoginFailure:
        """Verify a name and a password. login: user@domain, any case, or the local part of the first domain."""
        ...

    def sasl(self, mechanism: str, channel: ChannelBinding | None, peer: Peer) -> SaslExchange | LoginFailure:
        """Begin an exchange. channel: channel_binding(transport) where the connection has TLS, else None."""
        ...
