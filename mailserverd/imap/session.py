"""Session: what commands see of a connection.

Standing rules: a command is `async def run(session, command) -> Reply` in commands/<name>.py; it queues untagged
octets with send() and never touches the transport; after more than a little output it awaits drained(); it raises
Refused or a StoreError, and in_flight maps both to the tagged answer. After every command news tells what happened in
the selected mailbox, before the tagged line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.accounts.login import Login, Peer
from mailserverd.config.schema import Imap, Limits
from mailserverd.connection.unsent import Unsent
from mailserverd.delivery.spool import Spool, Spooled
from mailserverd.imap.large_searches import LargeSearches
from mailserverd.imap.selected import Selected
from mailserverd.interfaces.event_bus import EventBus
from mailserverd.interfaces.mail_store import AccountMail, MailStore
from mailserverd.mailstore.append import Ingest
from mailserverd.mailstore.find_limits import SearchLimits
from mailserverd.model.account import Account
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace
from mailserverd.wire.imap.verbs import States

_JOIN_OCTETS = 65_536


@dataclass(slots=True)
class Settings:
    """What [imap] and [limits] say; one object shared by all sessions, its fields replaced on a reload."""

    imap: Imap
    limits: Limits


@dataclass(frozen=True, slots=True)
class Services:
    """What sessions work with; one object shared by all. wall_seconds: seconds since the epoch."""

    store: MailStore
    ingest: Ingest
    authenticator: Authenticator
    events: EventBus
    metrics: Metrics
    trace: Trace
    settings: Settings
    spool: Spool
    searches: LargeSearches
    unsent: Unsent
    wall_seconds: Callable[[], float]


class Wire(Protocol):
    """What the connection does for a session. paused: the client takes no more octets now."""

    paused: bool
    transport: Any

    def write(self, octets: bytes) -> None: ...

    async def drained(self) -> None: ...

    async def turn(self) -> None: ...

    async def next_line(self) -> bytes:
        """The client's next line by itself, without its line end: an answer to a continuation request."""
        ...

    def updates_waiting(self) -> None: ...

    def idle_begins(self) -> None: ...

    def abort(self) -> None: ...

    def can_start_tls(self) -> bool: ...


class Session:
    """One connection's state.

    login: who came in. selected: the mailbox that is open. enabled: names of ENABLE, also where using them enabled
    them (RFC 7162 §3.1). tag: of the command in flight. upload: the octets of the APPEND in flight. closing: the
    connection ends after this command. wants_tls: TLS begins after it.
    """

    __slots__ = (
        "_mail",
        "_out",
        "_out_octets",
        "closing",
        "enabled",
        "idling",
        "login",
        "peer",
        "selected",
        "services",
        "tag",
        "upload",
        "wants_tls",
        "wire",
    )

    def __init__(self, wire: Wire, services: Services, peer: Peer) -> None:
        self.wire = wire
        self.services = services
        self.peer = peer
        self.login: Login | None = None
        self._mail: AccountMail | None = None
        self.selected: Selected | None = None
        self.enabled: frozenset[bytes] = frozenset()
        self.tag = b"*"
        self.upload: Spooled | None = None
        self.closing = self.idling = self.wants_tls = False
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
        assert self._mail is not None
        return self._mail

    @property
    def state(self) -> States:
        if self.selected is not None:
            return States.SELECTED
        return States.NOT_AUTHENTICATED if self.login is None else States.AUTHENTICATED

    @property
    def events(self) -> EventBus:
        return self.services.events

    @property
    def searches(self) -> LargeSearches:
        return self.services.searches

    @property
    def search_limits(self) -> SearchLimits:
        imap = self.services.settings.imap
        return SearchLimits(imap.max_search_texts, imap.max_search_seconds)

    @property
    def condstore(self) -> bool:
        return b"CONDSTORE" in self.enabled

    def enable(self, *names: bytes) -> None:
        self.enabled |= frozenset(names)

    def updates_waiting(self) -> None:
        """Something happened in the selected mailbox: in IDLE the client is told at once."""
        if self.idling:
            self.wire.updates_waiting()

    def came_in(self, login: Login, mail: AccountMail) -> None:
        self.login = login
        self._mail = mail

    # Output.

    def send(self, *octets: bytes) -> None:
        """Queue untagged octets: they leave in one write at the command's end, or earlier when 64 KiB wait."""
        self._out.extend(octets)
        for chunk in octets:
            self._out_octets += len(chunk)
        if self._out_octets > _JOIN_OCTETS:
            self.flush()

    def flush(self) -> None:
        out = self._out
        if out:
            self._out = []
            self._out_octets = 0
            self.wire.write(out[0] if len(out) == 1 else b"".join(out))

    @property
    def queued_octets(self) -> int:
        return self._out_octets

    async def drained(self) -> None:
        """Suspends while the client does not take what was written, and to give other sessions their turn."""
        if self.wire.paused:
            await self.wire.drained()
        await self.wire.turn()

    async def turn(self) -> None:
        """Give the other sessions their turn, if this one has worked for long."""
        await self.wire.turn()

    def abort(self) -> None:
        """Close the connection at once: a literal that was begun cannot be ended."""
        self.wire.abort()
