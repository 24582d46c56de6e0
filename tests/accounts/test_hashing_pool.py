import threading

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailserverd.accounts import hashing_pool
from mailserverd.accounts.hashing_pool import HashingHere, HashingPool
from mailserverd.model.errors import TryAgain
from tests.accounts.doubles import drive


class Reactor:
    """Runs what threads hand over when it is told to."""

    def __init__(self):
        self.calls = []
        self.called = threading.Condition()

    def callFromThread(self, function, *args):
        with self.called:
            self.calls.append((function, args))
            self.called.notify()

    def run_one(self):
        with self.called:
            assert self.called.wait_for(lambda: self.calls, timeout=10)
            function, args = self.calls.pop(0)
        function(*args)


@pytest.fixture(params=[2])
def pool(request):
    reactor = Reactor()
    made = HashingPool(reactor, request.param)
    made.reactor = reactor
    made.start()
    yield made
    made.stop()


def test_work_is_done_in_another_thread(pool):
    done = Deferred.fromCoroutine(pool.run(threading.get_ident, "192.0.2.1"))
    assert not done.called
    pool.reactor.run_one()
    assert done.result != threading.get_ident()


def test_errors_come_back(pool):
    done = Deferred.fromCoroutine(pool.run(lambda: 1 / 0, "192.0.2.1"))
    pool.reactor.run_one()
    assert done.result.check(ZeroDivisionError)
    done.addErrback(lambda failure: None)


def asked(pool, address, work=lambda: 1, known=lambda: None):
    return Deferred.fromCoroutine(pool.run(work, address, known))


def refused(done):
    failure = getattr(done, "result", None)
    if not isinstance(failure, Failure):
        return False
    failure.trap(TryAgain)
    done.addErrback(lambda failure: None)
    return True


def finish(pool, *waiting):
    while not all(each.called for each in waiting):
        pool.reactor.run_one()


def test_one_network_cannot_fill_the_queue(pool, monkeypatch):
    monkeypatch.setattr(hashing_pool, "MAX_WAITING_PER_NETWORK", 3)
    waiting = [asked(pool, f"2001:db8::{n}") for n in range(5)]  # two of them are at work
    assert refused(asked(pool, "2001:db8::77"))
    waiting.append(asked(pool, "2001:db8:0:1::1", lambda: 2))
    finish(pool, *waiting)
    assert [each.result for each in waiting] == [1, 1, 1, 1, 1, 2]
    assert not pool._queues
    assert pool._waiting == pool._running == 0
    again = asked(pool, "2001:db8::1", lambda: 3)
    finish(pool, again)
    assert again.result == 3


@pytest.mark.parametrize("pool", [1], indirect=True)  # threads may overtake each other
def test_networks_have_their_turn_one_after_the_other(pool):
    order = []
    waiting = [asked(pool, "192.0.2.1", lambda n=n: order.append(n)) for n in range(10)]
    waiting += [asked(pool, "198.51.100.7", lambda: order.append("other"))]
    finish(pool, *waiting)
    assert order == [0, 1, "other", *range(2, 10)]


def test_a_full_queue_turns_away_the_last_of_whoever_has_most(pool, monkeypatch):
    monkeypatch.setattr(hashing_pool, "MAX_WAITING", 4)
    flood = [asked(pool, "192.0.2.1") for _ in range(6)]
    other = asked(pool, "198.51.100.7")
    assert refused(flood[-1])
    third = asked(pool, "203.0.113.9")
    assert refused(flood[-2])
    assert refused(asked(pool, "192.0.2.1"))
    assert refused(asked(pool, "203.0.113.9"))
    finish(pool, *flood[:-2], other, third)


def test_what_became_known_meanwhile_is_not_hashed(pool):
    verified = []

    def work():
        verified.append(threading.get_ident())
        return "label"

    waiting = [asked(pool, "192.0.2.1", work, lambda: "label" if verified else None) for _ in range(50)]
    finish(pool, *waiting)
    assert [each.result for each in waiting] == ["label"] * 50
    assert len(verified) <= 3


def test_here_and_now():
    assert drive(HashingHere().run(threading.get_ident, "")) == threading.get_ident()
