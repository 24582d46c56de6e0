import threading

import pytest
from twisted.internet.defer import Deferred

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


@pytest.fixture
def pool():
    reactor = Reactor()
    made = HashingPool(reactor, 2)
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


def test_one_address_cannot_fill_the_queue(pool, monkeypatch):
    monkeypatch.setattr(hashing_pool, "MAX_WAITING_PER_ADDRESS", 3)
    waiting = [Deferred.fromCoroutine(pool.run(lambda: 1, "192.0.2.1")) for _ in range(3)]
    with pytest.raises(TryAgain):
        drive(pool.run(lambda: 1, "192.0.2.1"))
    waiting.append(Deferred.fromCoroutine(pool.run(lambda: 2, "198.51.100.7")))
    for _ in waiting:
        pool.reactor.run_one()
    assert [each.result for each in waiting] == [1, 1, 1, 2]
    assert not pool._by_address
    again = Deferred.fromCoroutine(pool.run(lambda: 3, "192.0.2.1"))
    pool.reactor.run_one()
    assert again.result == 3


def test_the_queue_is_bounded_in_all(pool, monkeypatch):
    monkeypatch.setattr(hashing_pool, "MAX_WAITING", 2)
    waiting = [Deferred.fromCoroutine(pool.run(lambda: 1, f"192.0.2.{n}")) for n in range(2)]
    with pytest.raises(TryAgain):
        drive(pool.run(lambda: 1, "192.0.2.9"))
    for _ in waiting:
        pool.reactor.run_one()


def test_here_and_now():
    assert drive(HashingHere().run(threading.get_ident, "")) == threading.get_ident()
