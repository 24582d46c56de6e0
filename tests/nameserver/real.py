"""RealReactor: a reactor of a test's own, with real sockets, turned by hand."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class RealReactor(EPollReactor):
    """run_until(coroutine): what it returns or raises. end() closes everything that is still open."""

    _threads: ThreadPool | None = None

    def getThreadPool(self) -> ThreadPool:
        if self._threads is None:
            self._threads = ThreadPool(0, 2)
            self._threads.start()
        return self._threads

    def run_until(self, work: Coroutine[Any, Any, T] | Deferred[T], seconds: float = 20.0) -> T:
        answers: list[Any] = []
        deferred = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        deferred.addBoth(answers.append)
        end = self.seconds() + seconds
        while not answers:
            assert self.seconds() < end, "nothing came within the time allowed"
            self.turn()
        if isinstance(answers[0], Failure):
            answers[0].raiseException()
        return answers[0]

    def turn(self) -> None:
        self.runUntilCurrent()
        wait = self.timeout()
        self.doIteration(0.05 if wait is None else min(wait, 0.05))

    def end(self) -> None:
        for _ in range(3):
            self.turn()
        if self._threads is not None:
            self._threads.stop()
        for each in self.removeAll():
            each.connectionLost(Failure(ConnectionError("the test is over")))
        for waker in (self.waker, *self._internalReaders):
            if waker is not None:
                waker.connectionLost(Failure(ConnectionError("the test is over")))
        self._poller.close()
