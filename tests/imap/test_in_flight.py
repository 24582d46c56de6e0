"""imap/in_flight.py: every way a command can end is a reply; waiting, waking, and giving others their turn."""

from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mailserverd.imap import in_flight
from mailserverd.imap.in_flight import InFlight
from mailserverd.imap.reply import Refused, no, ok
from mailserverd.imap.turns import Turns
from mailserverd.model.errors import OverQuota
from mailserverd.wire.imap.syntax_error import BadSyntax
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS

DONE = ok(b"Done")


class Bench:
    """What InFlight tells: replies, and how often it woke."""

    def __init__(self):
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.replies = []
        self.wakes = 0
        session = SimpleNamespace(peer=SimpleNamespace(session="s1"))
        self.in_flight = InFlight(session, self.turns, self.replies.append, self.woken)

    def woken(self):
        self.wakes += 1

    def begin(self, work, verb=VERBS[b"NOOP"]):
        self.in_flight.begin(verb, work)


async def raises(error):
    raise error


def test_what_never_waits_is_answered_at_once():
    bench = Bench()

    async def work():
        return DONE

    bench.begin(work())
    assert bench.replies == [DONE]
    assert bench.in_flight.work is None
    assert bench.wakes == 0


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused(no(b"Not you", b"NOPERM")), b"NO", b"NOPERM"),
        (BadSyntax("what?"), b"BAD", b""),
        (OverQuota(), b"NO", b"OVERQUOTA"),
    ],
)
def test_an_error_is_a_reply(error, status, code):
    bench = Bench()
    bench.begin(raises(error))
    (reply,) = bench.replies
    assert (reply.status, reply.code) == (status, code)


def test_an_error_of_ours_is_logged_but_not_once_the_client_is_gone(monkeypatch):
    logged = []
    monkeypatch.setattr(in_flight.log, "failure", lambda *args, **fields: logged.append(fields))
    bench = Bench()
    bench.begin(raises(ZeroDivisionError()))
    assert bench.replies[0].code == b"SERVERBUG"
    assert logged == [{"session": "s1", "verb": "NOOP"}]
    bench.in_flight.lost = True
    bench.begin(raises(ZeroDivisionError()))
    assert len(logged) == 1


def test_what_waits_goes_on_when_that_has_come():
    bench = Bench()
    first, second = Deferred(), Deferred()

    async def work():
        try:
            await first
        except KeyError:
            return await second

    bench.begin(work())
    assert bench.in_flight.work is not None
    first.errback(KeyError())
    assert bench.wakes == 1
    assert bench.replies == []
    second.callback(DONE)
    assert bench.wakes == 2
    assert bench.replies == [DONE]


def test_long_work_lets_others_go_first(monkeypatch):
    bench = Bench()

    async def work():
        await bench.in_flight.turn()
        return DONE

    bench.begin(work())
    assert bench.replies == [DONE], "it has hardly begun"
    monkeypatch.setattr(in_flight, "TURN_SECONDS", -1.0)
    bench.begin(work())
    assert bench.replies == [DONE]
    bench.clock.advance(0)
    assert bench.replies == [DONE, DONE]


def test_heavy_work_waits_where_many_are_at_work_and_is_given_up_with_its_client(monkeypatch):
    bench = Bench()
    monkeypatch.setattr(Turns, "is_full", lambda self: True)
    begun = []

    async def work():
        begun.append(True)
        return DONE

    bench.begin(work(), UID_VERBS[b"FETCH"])
    assert begun == []
    bench.clock.advance(0)
    assert begun == [True]
    assert bench.replies == [DONE]
    bench.begin(work(), UID_VERBS[b"FETCH"])
    bench.in_flight.lost = True
    bench.clock.advance(0)
    assert begun == [True], "nobody would read it"
    assert bench.in_flight.work is None


def test_what_it_waits_for_of_the_client():
    bench = Bench()
    bench.in_flight._session.wire = SimpleNamespace(paused=True)

    async def work():
        await bench.in_flight.drained()
        return ok(await bench.in_flight.next_line())

    bench.begin(work())
    assert bench.in_flight.line is None
    bench.in_flight._session.wire.paused = False
    assert bench.in_flight.client_reads()
    assert not bench.in_flight.client_reads(), "nobody waits for it any more"
    bench.in_flight.got_line(b"DONE")
    assert bench.replies == [ok(b"DONE")]


@pytest.mark.parametrize("reads", [True, False])
def test_a_client_that_goes_ends_what_waits_for_it(reads):
    bench = Bench()
    bench.in_flight._session.wire = SimpleNamespace(paused=not reads)

    async def work():
        await bench.in_flight.drained()
        return ok(await bench.in_flight.next_line())

    bench.begin(work())
    bench.in_flight.client_is_gone(Failure(ConnectionDone()))
    assert bench.in_flight.work is None
    assert [reply.code for reply in bench.replies] == [b"SERVERBUG"], "nobody is told"
