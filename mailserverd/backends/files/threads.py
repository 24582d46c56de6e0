"""Threads for file work, so that no disk ever holds the reactor up.

Standing rules: few threads (a disk gains nothing from many); start() before the first blob, stop() after the last.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class OffReactor(Protocol):
    async def run(self, work: Callable[[], T]) -> T:
        """Do work in a thread; returns (or raises) in the reactor thread."""
        ...


class FileThreads:
    """The server's own OffReactor."""

    def __init__(self, reactor: IReactorFromThreads, workers: int = 4) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=max(1, workers), name="files")

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        """Waits for what is running."""
        self._pool.stop()

    async def run(self, work: Callable[[], T]) -> T:
        return await deferToThreadPool(self._reactor, self._pool, work)
