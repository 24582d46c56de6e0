"""Commands of one word: nothing may follow the verb."""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Capability:
    """RFC 9051 §6.1.1"""


@dataclass(frozen=True, slots=True)
class Noop:
    """RFC 9051 §6.1.2"""


@dataclass(frozen=True, slots=True)
class Logout:
    """RFC 9051 §6.1.3"""


@dataclass(frozen=True, slots=True)
class StartTls:
    """RFC 9051 §6.2.1"""


@dataclass(frozen=True, slots=True)
class Namespace:
    """RFC 2342"""


@dataclass(frozen=True, slots=True)
class Idle:
    """RFC 2177"""


@dataclass(frozen=True, slots=True)
class Check:
    """RFC 3501 §6.4.1"""


@dataclass(frozen=True, slots=True)
class Close:
    """RFC 9051 §6.4.1"""


@dataclass(frozen=True, slots=True)
class Unselect:
    """RFC 3691"""


Bare = Capability | Noop | Logout | StartTls | Namespace | Idle | Check | Close | Unselect


class BareParser:
    """Gives the one value there is of a command."""

    __slots__ = ("_value",)

    def __init__(self, value: Bare) -> None:
        self._value = value

    def __call__(self, cursor: Cursor) -> Bare:
        cursor.end()
        return self._value
