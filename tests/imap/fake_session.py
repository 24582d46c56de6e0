"""A session for the commands of a selected mailbox, without a connection."""

from twisted.internet.defer import succeed

from mailserverd.imap.commands import select
from mailserverd.imap.large_searches import LargeSearches
from mailserverd.mailstore.find_limits import SearchLimits
from mailserverd.wire.imap.command.select import Select
from mailserverd.wire.imap.cursor import Cursor
from tests.mailstore.memory_mail import MemoryMail, drive


class FakeSession:
    """wire: what was written. drains: how often the command let the client catch up."""

    def __init__(self, mail):
        self.mail = mail
        self.selected = None
        self.enabled = frozenset()
        self.listeners = []
        self.events = self
        self.nudges = 0
        self.tag = b"a1"
        self.wire = []
        self.drains = 0
        self.searches = LargeSearches(lambda work, octets: succeed(work(octets)))
        self.search_limits = SearchLimits(100, 60)
        self.aborted = False

    @property
    def condstore(self):
        return b"CONDSTORE" in self.enabled

    def enable(self, *names):
        self.enabled |= frozenset(names)

    def subscribe(self, account_id, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def updates_waiting(self):
        self.nudges += 1

    def send(self, *octets):
        self.wire.extend(octets)

    async def drained(self):
        self.drains += 1

    async def turn(self):
        self.drains += 1

    def abort(self):
        self.aborted = True

    def run(self, command, parse, text, **more):
        """The untagged answers and the tagged one, of a command as a client writes its arguments."""
        self.wire = []
        reply = drive(command.run(self, parse(Cursor(b" " + text if text else b""), **more)))
        return b"".join(self.wire), reply.line(b"a1")


def selecting(mail=None, name="INBOX", read_only=False, condstore=False):
    """A session that has selected."""
    session = FakeSession(mail or MemoryMail())
    drive(select.run(session, Select(name, read_only, condstore)))
    session.wire = []
    return session
