"""The selected-state commands over the embedded store: what the seam promises is what they build on."""

import os
import time

import pytest

from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.gathering import BatchLimits
from mailserverd.backends.lmdb.mail_store import LmdbMailStore, StoreSettings
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.backends.process.event_bus import ProcessEventBus
from mailserverd.imap.commands import copy, expunge, fetch, move, search, select, store
from mailserverd.mailstore import mailboxes
from mailserverd.mailstore.append import Ingest
from mailserverd.wire.imap.command.copy import parse_copy
from mailserverd.wire.imap.command.expunge import parse_expunge
from mailserverd.wire.imap.command.fetch import parse_fetch
from mailserverd.wire.imap.command.move import parse_move
from mailserverd.wire.imap.command.search import parse_search
from mailserverd.wire.imap.command.select import parse_select
from mailserverd.wire.imap.command.store import parse_store
from mailserverd.wire.imap.cursor import Cursor
from tests.backends.lmdb.embedded import AtOnce
from tests.contracts.loop import Loop
from tests.imap.fake_session import FakeSession

MESSAGE = b"Subject: number %d\r\nFrom: a@b.c\r\n\r\nbody of %d\r\n"


class Sessions:
    """An account over a store in a directory, and sessions on it."""

    def __init__(self, path):
        self.loop = Loop()
        self.environment = Environment(path / "db", 1 << 28)
        journal = EarlyJournal(path / "early")
        self.writer = Writer(self.environment, journal, self.loop.callFromThread, BatchLimits(early_seconds=0.05))
        self.events = ProcessEventBus()
        arguments = (time.time, os.urandom, lambda account: None, StoreSettings(), AtOnce())
        self.store = LmdbMailStore(self.environment, self.writer, journal, None, self.events, *arguments)
        self.loop.run(self.store.start())
        self.mail = self.loop.run(self.store.open(1))
        self.ingest = Ingest(self.store, None, None)

    def close(self):
        self.loop.run(self.writer.stop())
        self.environment.close()

    def fill(self, *numbers):
        for n in numbers:
            self.loop.run(self.ingest.append(self.mail, "INBOX", MESSAGE % (n, n), (), 1_700_000_000 + n))

    def session(self):
        session = FakeSession(self.mail)
        session.events = self.events
        self.run(session, select, parse_select, b"INBOX")
        return session

    def run(self, session, command, parse, text, **more):
        session.wire = []
        reply = self.loop.run(command.run(session, parse(Cursor(b" " + text if text else b""), **more)))
        return b"".join(session.wire), reply.line(b"a1")


@pytest.fixture
def sessions(tmp_path):
    sessions = Sessions(tmp_path)
    yield sessions
    sessions.close()


def test_one_session_works_and_another_hears_of_it(sessions):
    sessions.loop.run(mailboxes.furnish(sessions.mail, {"\\Trash": "Trash"}))
    sessions.fill(1, 2, 3, 4)
    one, two = sessions.session(), sessions.session()
    out, _ = sessions.run(one, fetch, parse_fetch, b"1:2 (UID FLAGS BODY[])")
    assert out.count(MESSAGE % (1, 1)) == 1
    assert b"* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent) BODY[]" in out
    assert one.selected.pending_updates() == b""
    assert two.nudges
    assert two.selected.pending_updates() == b"* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS (\\Seen))\r\n"

    out, _ = sessions.run(two, store, parse_store, b"3:4 +FLAGS (\\Deleted $Own)")
    assert out.endswith(b"* 4 FETCH (FLAGS (\\Deleted $Own))\r\n")
    assert b"$Own" in one.selected.pending_updates(allow_expunge=False).split(b"\r\n")[0]
    assert sessions.run(two, search, parse_search, b"KEYWORD $own SUBJECT 4")[0] == b"* SEARCH 4\r\n"
    assert sessions.run(two, search, parse_search, b"BODY OF NOT SEEN", uid=True)[0] == b"* SEARCH 3 4\r\n"

    assert b"[COPYUID " in sessions.run(one, copy, parse_copy, b"2 Trash")[1]
    assert sessions.run(two, expunge, parse_expunge, b"")[0] == b"* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n"
    out, tagged = sessions.run(one, fetch, parse_fetch, b"3:4 (FLAGS)")
    assert (out, tagged[:23]) == (b"", b"a1 NO [EXPUNGEISSUED] S"[:23])
    out, _ = sessions.run(one, move, parse_move, b"1 Trash")
    assert out.endswith(b"* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n")
    assert two.selected.pending_updates() == b"* 1 EXPUNGE\r\n"

    sessions.fill(5)
    assert one.selected.pending_updates() == b"* 2 EXISTS\r\n* 2 RECENT\r\n"
    assert two.selected.pending_updates() == b"* 2 EXISTS\r\n* 0 RECENT\r\n"


def test_many_messages(sessions):
    sessions.fill(*range(300))
    one = sessions.session()
    out, _ = sessions.run(one, fetch, parse_fetch, b"1:* (UID RFC822.SIZE ENVELOPE BODY.PEEK[HEADER.FIELDS (From)])")
    assert out.count(b"{14}\r\nFrom: a@b.c\r\n") + out.count(b"{15}\r\nFrom: a@b.c\r\n\r\n") == 300
    out, _ = sessions.run(one, store, parse_store, b"1:* +FLAGS (\\Seen)")
    assert out.count(b"\\Seen") == 300
    assert one.selected.pending_updates() == b""
