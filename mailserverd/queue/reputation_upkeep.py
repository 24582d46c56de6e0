"""What is done for reputation from time to time: what has expired goes, who was not told is told, numbers are shown.

Standing rules: a little at a time, so that it holds nothing up; what fails is logged and done the next time.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.interfaces.sending_counts import SendingCounts
from mailserverd.interfaces.sent_messages import SentMessages
from mailserverd.model.errors import StoreError
from mailserverd.queue.pools import Pools
from mailserverd.queue.provider_limits import ProviderLimits
from mailserverd.queue.suspension import Suspensions
from mailserverd.telemetry.metrics import Metrics

SHOWN_EVERY_SECONDS = 15
TIDIED_EVERY_SECONDS = 600
SENT_KEPT_SECONDS = 30 * 86_400  # complaints come for weeks

_log = Logger()


class Upkeep:
    """seconds: the wall clock; clock: for timers."""

    def __init__(
        self,
        suspensions: Suspensions,
        sources: Pools,
        limits: ProviderLimits,
        stores: tuple[ReputationStore, SendingCounts, SentMessages],
        settings: Callable[[], Outbound],
        metrics: Metrics,
        clock: IReactorTime,
        seconds: Callable[[], float],
    ) -> None:
        self._suspensions = suspensions
        self._sources = sources
        self._limits = limits
        self._stores = stores
        self._settings = settings
        self._metrics = metrics
        self._seconds = seconds
        self._loops = [LoopingCall(self._show), LoopingCall(self._tidy)]
        for loop in self._loops:
            loop.clock = clock

    async def start(self) -> None:
        for loop, seconds in zip(self._loops, (SHOWN_EVERY_SECONDS, TIDIED_EVERY_SECONDS), strict=True):
            loop.start(seconds)

    async def stop(self) -> None:
        for loop in self._loops:
            if loop.running:
                loop.stop()
        try:
            await self._stores[1].written()
        except StoreError as error:
            _log.warn("the last counts of sending are not stored: {why}", why=str(error))

    def _tidy(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.tidy(int(self._seconds())))

    async def tidy(self, now: int) -> None:
        store, counts, sent = self._stores
        try:
            await self._suspensions.tell_untold()
            await store.tidy(now)
            await counts.tidy(now)
            while await sent.tidy(now - SENT_KEPT_SECONDS):
                pass
        except StoreError as error:
            _log.warn("reputation is not tidied: {why}", why=str(error))
        except Exception:
            _log.failure("reputation is not tidied")

    def _show(self) -> None:
        now = int(self._seconds())
        metrics, sources = self._metrics, self._sources
        for pool in self._settings().pools.values():
            for source in pool.warm_up_addresses:
                state = sources.warm_ups.state(source, now)
                room = sources.warm_ups.room(source, pool.warm_up_per_day, now)
                metrics.outbound_warm_up[source, "day"].value = state.day
                metrics.outbound_warm_up[source, "sent"].value = state.sent
                metrics.outbound_warm_up[source, "allowed"].value = -1 if room is None else state.sent + room
        metrics.outbound_rests.clear()
        for rest in sources.rests(now):
            metrics.outbound_rests[self._label(rest.provider),].value += 1
        metrics.outbound_limit.clear()
        for provider in self._limits.seen():
            if self._label(provider) == provider:
                metrics.outbound_limit[provider,].value = self._limits.connections(provider)

    def _label(self, provider: str) -> str:
        return provider if provider in self._limits.named else "other"
