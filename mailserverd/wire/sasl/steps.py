"""What a mechanism can answer. Standing rule: these are the only ways an exchange goes on or ends."""

import enum
from collections.abc import Callable
from typing import NamedTuple, Protocol

ChannelBinding = Callable[[str], bytes | None]
"""Asked with a channel-binding type ("tls-exporter"), gives its octets, or None where the channel has none."""


class Fault(enum.Enum):
    """Why an exchange ended. CANCELLED: the client sent "*". MALFORMED: not the mechanism's syntax. REFUSED: a
    proof, binding or name that does not hold."""

    CANCELLED = "cancelled"
    MALFORMED = "malformed"
    REFUSED = "refused"


class Challenge(NamedTuple):
    """Send these octets (base64 on the wire) and give the answer to step()."""

    octets: bytes


class PasswordGiven(NamedTuple):
    """The exchange ended with a name and a password to be verified. authorize_as is "" where the client named none."""

    login: str
    authorize_as: str
    password: bytes


class KeysWanted(NamedTuple):
    """SCRAM needs the keys of this name: give them to keys() to get the next Step."""

    login: str


class ScramKeys(NamedTuple):
    """pairs: (StoredKey, ServerKey) of each secret of the account, all made with this salt and iteration count."""

    salt: bytes
    iterations: int
    pairs: tuple[tuple[bytes, bytes], ...]


class Proven(NamedTuple):
    """The client proved that it knows the secret pairs[key] of this name, and has seen our own proof."""

    login: str
    authorize_as: str
    key: int


class Failed(NamedTuple):
    """The exchange is over. why: a line for the log and, where fault is MALFORMED, for the client."""

    fault: Fault
    why: str


Step = Challenge | PasswordGiven | KeysWanted | Proven | Failed


class Mechanism(Protocol):
    """One exchange. start() takes the initial response, or None where the client sent none."""

    def start(self, initial: bytes | None) -> Step: ...

    def step(self, response: bytes) -> Step: ...
