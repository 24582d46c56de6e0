"""imap/patience.py: one timer, and what it does when its time has come."""

from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from mailserverd.config.schema import Imap, Limits
from mailserverd.imap.patience import CLOSING_SECONDS, Patience
from mailserverd.imap.session import Settings

LOGIN, IDLE, KEEPALIVE, STALLED = 60, 1800, 100, 200


class Connection:
    """What was done to it stands in done."""

    def __init__(self):
        peer = SimpleNamespace(session="s1")
        self.session = SimpleNamespace(login=None, idling=False, closing=False, peer=peer)
        self.paused = self.is_at_work = False
        self.done = []
        self.clock = Clock()
        settings = Settings(
            Imap(login_timeout_seconds=LOGIN, idle_timeout_seconds=IDLE, idle_keepalive_seconds=KEEPALIVE),
            Limits(stalled_client_seconds=STALLED),
        )
        self.patience = Patience(self, self.clock, settings)

    def write(self, octets):
        self.done.append(octets)
        self.patience.last_output = self.clock.seconds()

    def goodbye(self, text):
        self.done.append(text)
        self.session.closing = True
        self.patience.closes()

    def abort(self):
        self.done.append(b"abort")

    def after(self, seconds):
        self.clock.pump([1.0] * seconds)
        return self.done


@pytest.fixture
def connection():
    return Connection()


def test_login_takes_too_long(connection):
    assert connection.after(LOGIN - 1) == []
    assert connection.after(2) == [b"Login took too long"]
    assert connection.after(int(CLOSING_SECONDS)) == [b"Login took too long", b"abort"]
    assert connection.clock.getDelayedCalls() == []


def test_silence_counts_from_the_last_octet(connection):
    connection.session.login = object()
    connection.after(1000)
    connection.patience.heard()
    assert connection.after(IDLE - 2) == []
    assert connection.after(4) == [b"Autologout"]


def test_a_command_at_work_is_waited_for(connection):
    connection.is_at_work = True
    assert connection.after(3 * LOGIN) == []
    connection.is_at_work = False
    assert connection.after(2) == [b"Login took too long"]


def test_idle_is_sent_signs_of_life_unless_it_does_not_read(connection):
    connection.session.login, connection.session.idling = object(), True
    connection.patience.idles()
    assert connection.after(3 * KEEPALIVE + 5) == [b"* OK Still here\r\n"] * 3
    connection.paused = True
    connection.patience.stalls()
    assert connection.after(STALLED + 1)[3:] == [b"abort"]


def test_a_client_that_does_not_read(connection):
    connection.session.login = object()
    connection.after(100)
    connection.paused = True
    connection.patience.stalls()
    assert connection.after(STALLED - 1) == []
    assert connection.after(2) == [b"abort"]


def test_one_timer_and_none_after_the_end(connection):
    connection.session.login = object()
    for _ in range(10):
        connection.patience.heard()
        connection.patience.idles()
        connection.after(KEEPALIVE)
        assert len(connection.clock.getDelayedCalls()) == 1
    connection.patience.end()
    assert connection.clock.getDelayedCalls() == []
