"""An engine on a StringTransport, with one account whose mail is in memory."""

from pathlib import Path
from types import SimpleNamespace

from twisted.internet.defer import succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mailserverd.accounts.login import Login, LoginFailure, Refusal
from mailserverd.config.schema import Imap, Limits
from mailserverd.connection.unsent import Unsent
from mailserverd.delivery.spool import Spool
from mailserverd.imap.factory import ImapFactory
from mailserverd.imap.large_searches import LargeSearches
from mailserverd.imap.session import Services, Settings
from mailserverd.interfaces.mail_store import Add
from mailserverd.mailstore.append import Appended
from mailserverd.mailstore.mailboxes import find
from mailserverd.model.account import Account
from mailserverd.telemetry.metrics import Counter, Metrics
from mailserverd.telemetry.trace import Trace
from tests.mailstore.memory_mail import MemoryMail, plain_message


class Transport(StringTransport):
    def setTcpNoDelay(self, on):
        self.no_delay = on

    def startTLS(self, context):
        self.tls_context = context

    def abortConnection(self):
        self.aborted = True
        self.loseConnection()


class Passwords:
    """user "u", password "p"; over TLS, or always where insecure."""

    insecure = True

    def mechanisms(self, peer):
        return ("PLAIN",) if peer.tls or self.insecure else ()

    async def password(self, user, password, peer, mechanism=""):
        if not self.mechanisms(peer):
            return LoginFailure(Refusal.TLS_REQUIRED)
        if (user, password) != ("u", b"p"):
            return LoginFailure(Refusal.INVALID)
        return Login(Account(1, "u@example.org"), mechanism)


class Events:
    def __init__(self):
        self.listeners = []

    def subscribe(self, account_id, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)


class Store:
    def __init__(self, mail):
        self.mail = mail

    async def open(self, account_id):
        return self.mail


class Door:
    async def append(self, mail, name, octets, flags, date, offset=0, origin=None):
        row = await find(mail, name)
        done = await mail.commit([Add(row.mailbox_id, plain_message(octets), flags, date, offset)], origin=origin)
        placed = done.results[0].placed[0]
        return Appended(row.uid_validity, placed.uid, row.mailbox_id, placed.email_id)


class Everyone:
    refusal = None

    def admit(self, listener, host):
        return self.refusal

    def leave(self, listener, host):
        pass


class Engine:
    """say() gives octets to the server and returns what it answered."""

    def __init__(self, login=True, tls=object(), **imap):
        self.mail = MemoryMail()
        self.clock = Clock()
        self.events = Events()
        self.passwords = Passwords()
        self.connections = Everyone()
        settings = Settings(Imap(**imap), Limits())
        services = Services(
            store=Store(self.mail),
            ingest=Door(),
            authenticator=self.passwords,
            events=self.events,
            metrics=Metrics(),
            trace=Trace(lambda: 0.0),
            settings=settings,
            spool=Spool(Path("/tmp"), 1 << 20),
            searches=LargeSearches(lambda work, octets: succeed(work(octets))),
            unsent=Unsent(self.clock, settings.limits, Counter()),
            wall_seconds=lambda: 1_700_000_000.0,
        )
        ids = SimpleNamespace(next=lambda: "s1")
        self.factory = ImapFactory("imap", "mail.example.org", services, self.connections, ids, self.clock, tls)
        self.server = self.factory.buildProtocol(None)
        self.transport = Transport()
        self.server.makeConnection(self.transport)
        self.greeting = self.took()
        if login:
            assert b"a0 OK" in self.say(b"a0 LOGIN u p\r\n")

    def took(self):
        out = self.transport.value()
        self.transport.clear()
        return out

    def say(self, data):
        """Turns that the server gives to others meanwhile (on a loaded machine it may) are over at once."""
        self.server.dataReceived(data)
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)
        return self.took()
