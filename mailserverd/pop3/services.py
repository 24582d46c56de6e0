"""What POP3 sessions are given by assembly. Standing rule: nothing else of the server is known in this room."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.connection.unsent import Unsent
from mailserverd.interfaces.mail_store import MailStore
from mailserverd.model.identifiers import AccountId


class Admission(Protocol):
    """telemetry.connections.Connections."""

    def admit(self, listener: str, host: str) -> str | None: ...

    def leave(self, listener: str, host: str) -> None: ...


class Pop3Settings(Protocol):
    """config.schema.Pop3."""

    @property
    def apop(self) -> bool: ...

    @property
    def idle_timeout_seconds(self) -> int: ...

    @property
    def max_bad_commands(self) -> int: ...


class DropLocks:
    """Which inboxes are locked (RFC 1939 §4), over all POP3 listeners."""

    def __init__(self) -> None:
        self._held: set[AccountId] = set()

    def take(self, account_id: AccountId) -> bool:
        if account_id in self._held:
            return False
        self._held.add(account_id)
        return True

    def give_back(self, account_id: AccountId) -> None:
        self._held.discard(account_id)


@dataclass(slots=True)
class Pop3Services:
    """settings: the [pop3] section as it is now. tls: makes the TLS state of a connection (assembly.tls.ServerTls).
    observe: told of every command (verb, seconds). timestamp: a fresh, unique part of the APOP banner.
    stalled_seconds: [limits] stalled_client_seconds as it is now."""

    authenticator: Authenticator
    store: MailStore
    connections: Admission
    unsent: Unsent
    clock: IReactorTime
    settings: Callable[[], Pop3Settings]
    tls: Any
    hostname: str
    new_session_id: Callable[[], str]
    timestamp: Callable[[], str]
    stalled_seconds: Callable[[], int]
    observe: Callable[[str, float], None] = lambda verb, seconds: None
    locks: DropLocks = field(default_factory=DropLocks)
