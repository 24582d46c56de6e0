"""A POP3 server on a string transport, with one account (user@example.org) whose mail is in memory."""

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mailserverd.config.schema import Limits, Pop3
from mailserverd.connection.unsent import Unsent
from mailserverd.pop3.factory import Pop3Factory
from mailserverd.pop3.services import Pop3Services
from mailserverd.telemetry.metrics import Counter
from tests.accounts.doubles import PASSWORD, Logins, directory_with
from tests.mailstore.memory_mail import MemoryMail

ADDRESS = "user@example.org"


class Transport(StringTransport):
    """As a TCP connection: TLS can begin, the client may stop reading, the end comes a moment later."""

    tls = None
    no_delay = False
    paused_reading = False
    aborted = False

    def startTLS(self, context):
        self.tls = context
        self.clear_before_tls = self.value()

    def setTcpNoDelay(self, on):
        self.no_delay = on

    def pauseProducing(self):
        self.paused_reading = True

    def resumeProducing(self):
        self.paused_reading = False

    def abortConnection(self):
        self.aborted = True


class MemoryStore:
    def __init__(self):
        self.mails = {}
        self.failing = None

    async def open(self, account_id):
        if self.failing is not None:
            raise self.failing
        return self.mails.setdefault(account_id, MemoryMail())


class Doors:
    """Admission that says what it is told to."""

    def __init__(self):
        self.refusal = None
        self.inside = 0

    def admit(self, listener, host):
        if self.refusal is None:
            self.inside += 1
        return self.refusal

    def leave(self, listener, host):
        self.inside -= 1


class Stage:
    def __init__(self, insecure=True, apop=False, **settings):
        self.directory = directory_with(ADDRESS, apop_secret="tanstaaf" if apop else "")
        self.logins = Logins(self.directory)
        if insecure:
            self.logins.authenticator.insecure_networks = ("192.168.1.1",)  # StringTransport's peer
        self.clock: Clock = self.logins.clock
        self.store = MemoryStore()
        self.doors = Doors()
        self.observed = []
        self.settings = Pop3(apop=apop, **settings)
        self.services = Pop3Services(
            authenticator=self.logins.authenticator,
            store=self.store,
            connections=self.doors,
            unsent=Unsent(self.clock, Limits(), Counter()),
            clock=self.clock,
            settings=lambda: self.settings,
            tls="the server's TLS",
            hostname="mx.example.org",
            new_session_id=lambda: "s1",
            timestamp=lambda: "1896.697170952",
            stalled_seconds=lambda: 300,
            observe=lambda verb, seconds: self.observed.append(verb),
        )
        self.factory = Pop3Factory(self.services, "pop3")
        self.mail = self.store.mails[1] = MemoryMail()

    def client(self, implicit_tls=False):
        factory = Pop3Factory(self.services, "pop3s", True) if implicit_tls else self.factory
        return Client(factory)

    def logged_in(self):
        client = self.client()
        client.take()
        assert client.say(b"USER user@example.org", b"PASS " + PASSWORD.encode()).count(b"+OK") == 2
        return client


class Client:
    def __init__(self, factory):
        self.server = factory.buildProtocol(None)
        self.transport = Transport()
        self.server.makeConnection(self.transport)

    def take(self):
        """What came from the server since the last time."""
        octets = self.transport.value()
        self.transport.clear()
        return octets

    def say(self, *lines):
        """Send these lines in one packet; what came back."""
        self.server.dataReceived(b"".join(line + b"\r\n" for line in lines))
        return self.take()

    def lose(self):
        from twisted.internet.error import ConnectionDone
        from twisted.python.failure import Failure

        self.server.connectionLost(Failure(ConnectionDone()))
