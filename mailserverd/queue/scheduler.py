"""Who is due: an engine for each destination with something due, a bounded number of them, and a timer for the rest.

Standing rules: it looks when it is woken, when an engine ends and when the next destination is due, but not more often
than every few milliseconds; a destination that rests, or whose engine runs, is passed over; nothing of the queue is
kept here but what runs.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailserverd.model.errors import StoreError
from mailserverd.queue.destination import Destination
from mailserverd.queue.house import House

STOP_SECONDS = 10.0
BEGUN_AT_ONCE = 25  # engines in one look: others have their turn between
_LOOK_EVERY_SECONDS = 0.01
_LOOK_SECONDS_A_DESTINATION = 0.00002  # of those that rest or run: each look passes over them
_LOOK_AT_LEAST_EVERY_SECONDS = 60.0
_NOTHING_FOUND_SECONDS = 5.0

_log = Logger()


class Scheduler:
    """max_engines: asked each time."""

    def __init__(self, house: House, max_engines: Callable[[], int]) -> None:
        self._house = house
        self._max_engines = max_engines
        self._engines: dict[str, Destination] = {}
        self._quiet: dict[str, float] = {}  # destinations that had nothing to claim although they were due
        self._call: IDelayedCall | None = None
        self._call_at = 0.0
        self._looked = float("-inf")
        self._every = _LOOK_EVERY_SECONDS
        self._looking = False
        self._again = False
        self._running = False
        self._all_ended: Deferred[None] | None = None

    @property
    def engines(self) -> int:
        return len(self._engines)

    async def start(self) -> None:
        self._running = True
        self.wake()

    def wake(self) -> None:
        """Something may be due now."""
        self._look_in(max(0.0, self._looked + self._every - self._house.clock.seconds()))

    def flush(self) -> None:
        """Forget every rest and learned limit, once; who waits looks again."""
        house = self._house
        for each in (house.rests, house.connections, house.limits, house.sources, house.routing):
            each.forget()
        self._quiet.clear()
        for engine in list(self._engines.values()):
            engine.wake()
        house.connections.wake_all()
        self.wake()

    def _look_in(self, seconds: float) -> None:
        if not self._running:
            return
        at = self._house.clock.seconds() + seconds
        if self._call is not None and self._call.active():
            if self._call_at <= at:
                return
            self._call.cancel()
        self._call_at = at
        self._call = self._house.clock.callLater(seconds, self._look)

    def _look(self) -> None:
        self._looked = self._house.clock.seconds()
        if self._looking:
            self._again = True
            return
        self._looking = True
        Deferred.fromCoroutine(self._start_engines()).addErrback(self._failed).addCallback(self._looked_at)

    def _failed(self, failure: Failure) -> float:
        _log.failure("the scheduler cannot see what is due", failure)
        return _LOOK_AT_LEAST_EVERY_SECONDS

    def _looked_at(self, wait: float) -> None:
        self._looking = False
        self._look_in(self._every if self._again else wait)
        self._again = False

    async def _start_engines(self) -> float:
        """Seconds until the next look."""
        house = self._house
        now, exact = house.now(), house.seconds()
        self._quiet = {name: until for name, until in self._quiet.items() if until > exact}
        resting = {**house.rests.resting(exact), **self._quiet}
        room = self._max_engines() - len(self._engines)
        passing = frozenset(self._engines) | frozenset(resting)
        self._every = max(_LOOK_EVERY_SECONDS, len(passing) * _LOOK_SECONDS_A_DESTINATION)
        try:
            if room > 0:
                begun = await house.store.due_destinations(now, min(room, BEGUN_AT_ONCE), passing)
                for due in begun:
                    self._begin(due.destination)
                if len(begun) == BEGUN_AT_ONCE:
                    return self._every
            following = await house.store.next_due(frozenset(self._engines) | frozenset(resting))
        except StoreError as error:
            _log.error("the queue cannot be read", why=str(error))
            return _LOOK_AT_LEAST_EVERY_SECONDS
        waits = [until - exact for until in resting.values()]
        if following is not None and room > 0:
            waits.append(following - exact)
        return max(self._every, min([*waits, _LOOK_AT_LEAST_EVERY_SECONDS]))

    def _begin(self, name: str) -> None:
        if name not in self._engines and self._running:
            engine = self._engines[name] = Destination(name, self._house, self._ended)
            engine.start()

    def _ended(self, engine: Destination) -> None:
        if self._engines.get(engine.name) is engine:
            del self._engines[engine.name]
        if engine.found_nothing:
            self._quiet[engine.name] = self._house.seconds() + _NOTHING_FOUND_SECONDS
        if not self._engines and self._all_ended is not None:
            waiter, self._all_ended = self._all_ended, None
            waiter.callback(None)
        self.wake()

    async def stop(self) -> None:
        """Nothing more begins; what is in flight has a while to end. What does not is tried again at the next start."""
        self._running = False
        if self._call is not None and self._call.active():
            self._call.cancel()
        for engine in list(self._engines.values()):
            engine.stop()
        if self._engines:
            waiter = self._all_ended = Deferred()
            bound = self._house.clock.callLater(STOP_SECONDS, self._enough)
            await waiter
            if bound.active():
                bound.cancel()
        await self._house.connections.stop()

    def _enough(self) -> None:
        _log.warn("attempts are cut short by the end of the server", destinations=len(self._engines))
        for engine in list(self._engines.values()):
            engine.cancel()
        if self._all_ended is not None:
            waiter, self._all_ended = self._all_ended, None
            waiter.callback(None)
