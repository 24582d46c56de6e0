"""Loop: the part of a reactor that stores need (calls from threads, calls later), driven by hand in a test."""

import heapq
import itertools
import queue
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

T = TypeVar("T")


@implementer(IReactorFromThreads, IReactorTime)
class Loop:
    """run(coroutine) pumps calls until the coroutine is done; nothing happens in between."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._later: list[tuple[float, int, DelayedCall]] = []
        self._count = itertools.count()

    def callFromThread(self, call: Callable[..., object], *args: object, **kwargs: object) -> None:
        self._calls.put(lambda: call(*args, **kwargs))

    def seconds(self) -> float:
        return time.monotonic()

    def callLater(self, delay: float, call: Callable[..., object], *args: object, **kwargs: object) -> DelayedCall:
        def moved(later: DelayedCall) -> None:
            heapq.heappush(self._later, (later.getTime(), next(self._count), later))

        later = DelayedCall(self.seconds() + delay, call, args, kwargs, lambda _: None, moved, self.seconds)
        moved(later)
        return later

    def getDelayedCalls(self) -> list[DelayedCall]:
        return [later for _, _, later in self._later if later.active()]

    def run(self, work: Coroutine[Any, Any, T] | Deferred[T], timeout_seconds: float = 60.0) -> T:
        """What the coroutine returns; raises what it raises."""
        answers: list[Any] = []
        deferred = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        deferred.addBoth(answers.append)
        end = self.seconds() + timeout_seconds
        while not answers:
            assert self.seconds() < end, "nothing came within the time allowed"
            self._pump()
        if isinstance(answers[0], Failure):
            answers[0].raiseException()
        return answers[0]

    def _pump(self) -> None:
        """One call from a thread, or those that are due by now."""
        wait = max(0.0, min(self._later[0][0] - self.seconds(), 0.5)) if self._later else 0.5
        try:
            self._calls.get(timeout=wait)()
        except queue.Empty:
            while self._later and self._later[0][0] <= self.seconds():
                _, _, later = heapq.heappop(self._later)
                if later.active() and later.getTime() <= self.seconds():
                    later.called = 1
                    later.func(*later.args, **later.kw)
