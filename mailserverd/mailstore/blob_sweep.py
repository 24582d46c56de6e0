"""The blob sweep: now and then, delete the blobs that no message refers to any more.

Standing rules: the interval is longer than any message takes from its first blob to its commit, since that, times two,
is what protects a blob that nothing refers to yet; a sweep that fails is logged and tried again, and harms nothing.
"""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.model.identifiers import BlobId

FIRST_AFTER_SECONDS = 900.0
INTERVAL_SECONDS = 86_400.0
RETRY_SECONDS = 600.0

_log = Logger()


def next_sweep_after(failures: int, interval_seconds: float) -> float:
    """Seconds until the next sweep, `failures` of the latest ones having failed in a row."""
    if not failures:
        return interval_seconds
    return float(min(interval_seconds, RETRY_SECONDS * 2 ** min(failures - 1, 16)))


class BlobSweep:
    """references: asked once a sweep, after its generation has begun, for what tells whether a stored message holds a
    blob; what it gives is called in the reactor thread and must be quick."""

    def __init__(
        self,
        blobs: BlobStore,
        references: Callable[[], Awaitable[Callable[[BlobId], bool]]],
        clock: IReactorTime,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._blobs = blobs
        self._references = references
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._failures = 0
        self._generation_begun = False
        self._call: IDelayedCall | None = None
        self._under_way: list[Deferred[None]] | None = None
        self._stopped = True

    def start(self) -> None:
        self._stopped = False
        self._call = self._clock.callLater(min(FIRST_AFTER_SECONDS, self._interval_seconds), self._begin)

    async def stop(self) -> None:
        """Returns when the sweep under way, if any, is over."""
        self._stopped = True
        if self._call is not None and self._call.active():
            self._call.cancel()
        if self._under_way is not None:
            over: Deferred[None] = Deferred()
            self._under_way.append(over)
            await over

    async def sweep_once(self) -> int:
        """One generation on; how many blobs went. A retry after a failure does not begin another generation."""
        if not self._generation_begun:
            await self._blobs.begin_sweep()
            self._generation_begun = True
        is_referred_to = await self._references()
        swept = await self._blobs.sweep(lambda blob_id: self._is_stopping() or is_referred_to(blob_id))
        self._generation_begun = False
        return swept

    def _is_stopping(self) -> bool:
        """Then everything is kept, so that the stop does not wait for the rest of the sweep."""
        return self._stopped and self._under_way is not None

    def _begin(self) -> None:
        self._under_way = []
        Deferred.fromCoroutine(self._turn())

    async def _turn(self) -> None:
        try:
            swept = await self.sweep_once()
            self._failures = 0
            if swept:
                _log.info("blobs swept that no message refers to", count=swept)
        except Exception:
            self._failures += 1
            _log.failure("blob sweep put off")
        waiting, self._under_way = self._under_way or [], None
        if not self._stopped:
            delay = next_sweep_after(self._failures, self._interval_seconds)
            self._call = self._clock.callLater(delay, self._begin)
        for over in waiting:
            over.callback(None)
