"""Session: what commands see of a connection.

Standing rules: a command is `async def run(session, command) -> Reply` in commands/<name>.py; it queues untagged
octets with send() and never touches the transport; after more than a little output it awaits drained(); it raises
Refused or a StoreError, and the engine maps both to the tagged answer. After every command the engine asks
selected.pending_updates() and sends what it gives before the tagged line.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.accounts.login import Login, Peer
from mailserverd.config.schema import Imap, Limits
from mailserverd.interfaces.directory import Directory
from mailserverd.interfaces.event_bus import EventBus
from mailserverd.interfaces.mail_store import AccountMail, MailStore
from mailserverd.model.account import Account
from mailserverd.telemetry.metrics import Metrics
from mailserverd.wire.imap.verbs import States

if TYPE_CHECKING:
    from mailserverd.imap.selected import Selected
    from mailserverd.imap.upload import Upload

IngestMessage = Callable[["Upload", Account, AccountMail], Coroutine[object, object, object]]


@dataclass(slots=True)
class Settings:
    """What [imap] and [limits] say; one object shared by all sessions, its fields replaced on a reload."""

    imap: Imap = field(default_factory=Imap)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Services:
    """What sessions work with; one object shared by all.

    wall_seconds: seconds since the epoch. spool_directory: where an APPEND above the memory bound waits.
    """

    store: MailStore
    directory: Directory
    authenticator: Authenticator
    events: EventBus
    metrics: Metrics
    settings: Settings
    wall_seconds: Callable[[], float]
    spool_directory: str


class Wire(Protocol):
    """What the engine does for a session."""

    @property
    def paused(self) -> bool:
        """The transport asks for no more octets."""
        ...

    def write(self, octets: bytes) -> None: ...
    async def drained(self) -> None: ...
    async def turn(self) -> None:
        """Resume in a later turn of the reactor, after the sessions that wait."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...

    def start_tls(self) -> None: ...
    async def next_line(self) -> bytes:
        """The client's next line by itself, without its line end: an answer to a continuation request."""
        ...

    def updates_waiting(self) -> None: ...
    @property
    def tls(self) -> bool: ...
    @property
    def can_start_tls(self) -> bool: ...


_JOIN_OCTETS = 65_536


class Session:
    """One connection's state.

    account, mail, login: of who logged in. selected: the mailbox that is open. enabled: by ENABLE or by use
    (b"CONDSTORE"). tag: of the command in flight. upload: the octets of the APPEND in progress. closing: a BYE was
    sent.
    """

    __slots__ = (
        "_out",
        "_out_octets",
        "closing",
        "enabled",
        "idling",
        "login",
        "mail_",
        "peer",
        "selected",
        "services",
        "tag",
        "upload",
        "wire",
    )

    def __init__(self, wire: Wire, services: Services, peer: Peer) -> None:
        self.wire = wire
        self.services = services
        self.peer = peer
        self.login: Login | None = None
        self.mail_: AccountMail | None = None
        self.selected: Selected | None = None
        self.enabled: frozenset[bytes] = frozenset()
        self.upload: Upload | None = None
        self.tag = b""
        self.closing = False
        self.idling = False
        self._out: list[bytes] = []
        self._out_octets = 0

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def account(self) -> Account:
        """Only after login."""
        assert self.login is not None
        return self.login.account

    @property
    def mail(self) -> AccountMail:
        """Only after login."""
        assert self.mail_ is not None
        return self.mail_

    @property
    def state(self) -> States:
        if self.selected is not None:
            return States.SELECTED
        return States.NOT_AUTHENTICATED if self.login is None else States.AUTHENTICATED

    def enable(self, *names: bytes) -> None:
        self.enabled |= frozenset(names)

    @property
    def condstore(self) -> bool:
        return b"CONDSTORE" in self.enabled

    @property
    def events(self) -> EventBus:
        return self.services.events

    # Output.

    def send(self, *chunks: bytes) -> None:
        """Queue untagged octets: whole lines with their CRLF. They leave in one write at the command's end, or
        earlier when more than 64 KiB wait."""
        self._out.extend(chunks)
        for chunk in chunks:
            self._out_octets += len(chunk)
        if self._out_octets > _JOIN_OCTETS:
            self.flush()

    def flush(self) -> None:
        if self._out:
            out = self._out
            self.wire.write(out[0] if len(out) == 1 else b"".join(out))
            self._out = []
            self._out_octets = 0

    async def drained(self) -> None:
        """Suspends only while the client does not take what was written. Awaiting it between batches bounds memory."""
        if self.wire.paused:
            await self.wire.drained()

    async def turn(self) -> None:
        """Let the other sessions go first: between pages of long work."""
        self.flush()
        await self.wire.turn()

    def abort(self) -> None:
        """A literal that was begun cannot be ended: nothing else tells the client so."""
        self.wire.abort()

    # Updates.

    def updates_waiting(self) -> None:
        """For `selected`: something happened in the mailbox. In IDLE the client is told at once, otherwise after the
        next command."""
        if self.idling:
            self.wire.updates_waiting()

    def close_selected(self) -> None:
        """Leave the selected mailbox, if any, without expunging."""
        if self.selected is not None:
            self.selected.close()
            self.selected = None
