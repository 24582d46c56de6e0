"""Values that are used from memory at once and stored behind it: the newest of each key, one write at a time.

Standing rules: nobody waits for a write but `written`; what the store refuses is kept and goes with the next value; a
crash may lose what came during one write, never more.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.model.errors import StoreError

V = TypeVar("V")
_log = Logger()


class WriteBehind(Generic[V]):
    """what: names the values in the log."""

    def __init__(self, store: Callable[[V], Awaitable[None]], what: str) -> None:
        self._store = store
        self._what = what
        self._unwritten: dict[str, V] = {}
        self._writing = False
        self._waiters: list[Deferred[None]] = []

    def put(self, key: str, value: V) -> None:
        self._unwritten[key] = value
        self._begin()

    async def written(self) -> None:
        """Until everything is stored, or was refused once more."""
        self._begin()
        if self._writing:
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter

    def _begin(self) -> None:
        if not self._writing and self._unwritten:
            self._writing = True
            Deferred.fromCoroutine(self._write())

    async def _write(self) -> None:
        try:
            while self._unwritten:
                key, value = next(iter(self._unwritten.items()))
                await self._store(value)
                if self._unwritten.get(key) is value:
                    del self._unwritten[key]
                else:
                    self._unwritten[key] = self._unwritten.pop(key)  # a newer one: behind the others
        except StoreError as error:
            _log.warn("{what} not stored yet: {why}", what=self._what, why=str(error))
        except Exception:
            _log.failure("{what} not stored", what=self._what)
        self._writing = False
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)
