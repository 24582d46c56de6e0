"""Large messages that searches look into: one at a time, off the reactor's thread, whatever the number of sessions.

Standing rule: whoever waits has nothing of its message in memory yet.
"""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import DeferredLock


class LargeSearches:
    """in_thread: runs a function of octets elsewhere."""

    def __init__(self, in_thread: Callable[[Callable[[bytes], bool], bytes], Awaitable[bool]]) -> None:
        self._in_thread = in_thread
        self._lock = DeferredLock()

    async def run(self, read: Callable[[], Awaitable[bytes]], work: Callable[[bytes], bool]) -> bool:
        await self._lock.acquire()
        try:
            return await self._in_thread(work, await read())
        finally:
            self._lock.release()
