"""Threads for password hashes: as many at once as there are cores.

Standing rules: the queue is bounded, in all and for each address, so that one guesser cannot put the others' logins
behind his own; what does not fit is refused with TryAgain at once.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from mailserverd.model.errors import TryAgain

T = TypeVar("T")
MAX_WAITING = 512
MAX_WAITING_PER_ADDRESS = 64


class Hashing(Protocol):
    async def run(self, work: Callable[[], T], address: str) -> T:
        """Do work off the reactor thread on behalf of address. Raises TryAgain when too much is waiting already."""
        ...


class HashingHere:
    """For a process that has nothing else to do meanwhile: the command line while the server is down."""

    async def run(self, work: Callable[[], T], address: str) -> T:
        return work()


class HashingPool:
    """start() before the first login, stop() when the last session is gone."""

    def __init__(self, reactor: IReactorFromThreads, workers: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=max(1, workers), name="passwords")
        self._waiting = 0
        self._by_address: dict[str, int] = {}

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        self._pool.stop()

    async def run(self, work: Callable[[], T], address: str) -> T:
        mine = self._by_address.get(address, 0)
        if self._waiting >= MAX_WAITING or mine >= MAX_WAITING_PER_ADDRESS:
            raise TryAgain("too many logins are waiting for their password to be verified")
        self._waiting += 1
        self._by_address[address] = mine + 1
        done = deferToThreadPool(self._reactor, self._pool, work)
        done.addBoth(self._finished, address)
        return await done

    def _finished(self, result: object, address: str) -> object:
        self._waiting -= 1
        left = self._by_address[address] - 1
        if left:
            self._by_address[address] = left
        else:
            del self._by_address[address]
        return result
