"""Threads for password hashes: as many at once as there are cores, and who comes next.

Standing rules: clients have their turn by network, so that whoever sends a thousand guesses waits for them himself; the
queue is bounded, in all and for each network, and a full one turns away the last of whoever has most in it; what has
become known while it waited is not hashed.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from mailserverd.model.errors import TryAgain
from mailserverd.model.networks import network_of

T = TypeVar("T")
MAX_WAITING = 512
MAX_WAITING_PER_NETWORK = 64


class Hashing(Protocol):
    async def run(self, work: Callable[[], T], address: str, known: Callable[[], T | None] = lambda: None) -> T:
        """Do work off the reactor thread on behalf of address, unless it is known when its turn comes. Raises TryAgain
        when too much is waiting already."""
        ...


class HashingHere:
    """For a process that has nothing else to do meanwhile: the command line while the server is down."""

    async def run(self, work: Callable[[], T], address: str, known: Callable[[], T | None] = lambda: None) -> T:
        return work()


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    known: Callable[[], Any]
    done: Deferred[Any]


class HashingPool:
    """start() before the first login, stop() when the last session is gone."""

    def __init__(self, reactor: IReactorFromThreads, workers: int) -> None:
        self._reactor = reactor
        self._workers = max(1, workers)
        self._pool = ThreadPool(minthreads=0, maxthreads=self._workers, name="passwords")
        self._queues: OrderedDict[str, deque[_Job]] = OrderedDict()  # by network; whose turn is next stands first
        self._waiting = 0
        self._running = 0

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        self._pool.stop()

    async def run(self, work: Callable[[], T], address: str, known: Callable[[], T | None] = lambda: None) -> T:
        network = network_of(address)
        queue = self._queues.get(network, ())
        if len(queue) >= MAX_WAITING_PER_NETWORK or (self._waiting >= MAX_WAITING and not self._displace(len(queue))):
            raise _too_many()
        job = _Job(work, known, Deferred())
        self._queues.setdefault(network, deque()).append(job)
        self._waiting += 1
        self._fill()
        result: T = await job.done
        return result

    def _displace(self, mine: int) -> bool:
        """Make room for one of a network that has `mine` waiting, at the cost of one that has more."""
        most = max(self._queues.values(), key=len)
        if len(most) <= mine + 1:
            return False
        self._waiting -= 1
        most.pop().done.errback(_too_many())
        return True

    def _fill(self) -> None:
        while self._running < self._workers and self._queues:
            job = self._take()
            found = job.known()
            if found is not None:
                job.done.callback(found)
                continue
            self._running += 1
            deferToThreadPool(self._reactor, self._pool, job.work).addBoth(self._finished, job)

    def _take(self) -> _Job:
        network, queue = self._queues.popitem(last=False)
        job = queue.popleft()
        self._waiting -= 1
        if queue:
            self._queues[network] = queue
        return job

    def _finished(self, result: object, job: _Job) -> None:
        self._running -= 1
        job.done.callback(result)  # first: what it has found may be what the next one asks
        self._fill()


def _too_many() -> TryAgain:
    return TryAgain("too many logins are waiting for their password to be verified")
