"""IMAP sessions over the real store, the real scanner and the real logins, on string transports; time is by hand.

Accounts user@example.org and other@example.org, password "correct horse"; the quota of the other one is 4 KiB.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mailserverd.config.schema import Imap, Limits
from mailserverd.connection.unsent import Unsent
from mailserverd.delivery.spool import Spool
from mailserverd.imap.factory import ImapFactory
from mailserverd.imap.large_searches import LargeSearches
from mailserverd.imap.session import Services, Settings
from mailserverd.mailstore.append import Ingest
from mailserverd.mailstore.mailboxes import furnish
from mailserverd.telemetry.metrics import Counter, Metrics
from mailserverd.telemetry.trace import Trace
from tests.accounts.doubles import PASSWORD, Logins, directory_with
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.imap.engine import Everyone, Transport

USER, OTHER = "user@example.org", "other@example.org"
NOW = 1_700_000_000
SPECIAL = {"\\Drafts": "Drafts", "\\Sent": "Sent", "\\Junk": "Junk", "\\Trash": "Trash", "\\Archive": "Archive"}


class Connection:
    """A client's end. say() gives octets to the server and returns what it answered."""

    def __init__(self, house: "House") -> None:
        self.house = house
        self.server = house.factory.buildProtocol(None)
        self.transport = Transport()
        house.connections.append(self)
        self.server.makeConnection(self.transport)

    @property
    def is_busy(self) -> bool:
        """A command is at work, or the server gives others their turn first (as it does on a loaded machine)."""
        server = self.server
        return (server.is_at_work or server._yielded) and not server._lost

    def took(self) -> bytes:
        out: bytes = self.transport.value()
        self.transport.clear()
        return out

    def say(self, octets: bytes) -> bytes:
        self.server.dataReceived(octets)
        self.house.settle()
        return self.took()

    def drop(self, orderly: bool = False) -> None:
        """The connection ends."""
        if not self.server._lost:
            self.server.connectionLost(Failure(ConnectionDone() if orderly else ConnectionLost()))
        self.house.connections.remove(self)
        self.house.settle()


class House:
    def __init__(
        self,
        folder: Path,
        tls: Any = "the server's TLS",
        accounts: Sequence[str] = (USER, OTHER),
        password: str = PASSWORD,
        mailboxes: Mapping[str, str] = SPECIAL,
        **imap: Any,
    ) -> None:
        self.loop = Loop()
        self.store = Embedded(folder, self.loop, quota_of={2: 4096}.get)
        self.logins = Logins(directory_with(*accounts, password=password))
        self.logins.authenticator.insecure_networks = ("192.168.1.1",)  # a string transport's peer
        self.clock = Clock()
        self.connections: list[Connection] = []
        self.ingest = Ingest(
            self.store.mail_store, self.store.blobs, lambda work, octets: self.store.threads.run(lambda: work(octets))
        )
        services = Services(
            store=self.store.mail_store,
            ingest=self.ingest,
            authenticator=self.logins.authenticator,
            events=self.store.events,
            metrics=Metrics(),
            trace=Trace(lambda: 0.0),
            settings=Settings(Imap(**imap), Limits()),
            spool=Spool(folder, 1 << 20),
            searches=LargeSearches(lambda work, octets: self.store.threads.run(lambda: work(octets))),
            unsent=Unsent(self.clock, Limits(), Counter()),
            wall_seconds=lambda: float(NOW),
        )
        ids = SimpleNamespace(next=lambda: "s1")
        arguments: Any = (services, Everyone(), ids, self.clock, tls)
        self.factory = ImapFactory("imap", "mail.example.org", *arguments)
        for account_id in range(1, len(accounts) + 1):
            self.loop.run(furnish(self.mail(account_id), mailboxes))

    def mail(self, account_id: int = 1) -> Any:
        return self.loop.run(self.store.mail_store.open(account_id))  # type: ignore[arg-type]

    def put(self, octets: bytes, *flags: str, mailbox: str = "INBOX", seconds: int = NOW, account_id: int = 1) -> int:
        """A message comes in; its UID."""
        done = self.loop.run(self.ingest.append(self.mail(account_id), mailbox, octets, flags, seconds))
        return done.uid

    def connect(self) -> Connection:
        return Connection(self)

    def settle(self) -> None:
        """Until every session waits for its client."""
        while self._busy():
            self.clock.advance(0.01)
            self.logins.clock.advance(10)
            if self._busy():
                self.loop._pump()

    def _busy(self) -> bool:
        return any(connection.is_busy for connection in self.connections)

    def close(self) -> None:
        for connection in list(self.connections):
            connection.drop()
        self.store.close()
