"""The warm-up of a new address: how many recipients it may have today, and how many it had.

Standing rules: an address's days are of 24 hours and begin with its first use; what is counted is used from memory and
stored behind it, so that a restart goes on where it was; after the last day of the schedule there is no limit.
"""

from collections.abc import Sequence

from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.model.reputation import WarmUp
from mailserverd.queue.write_behind import WriteBehind

DAY = 86_400


class WarmUps:
    """start() reads what is stored; the rest is answered from memory."""

    def __init__(self, store: ReputationStore) -> None:
        self._store = store
        self._known: dict[str, WarmUp] = {}
        self._stored = WriteBehind(store.put_warm_up, "the warm-up of an address")

    async def start(self) -> None:
        """Raises StoreError."""
        self._known = {each.source: each for each in await self._store.warm_ups()}

    async def stop(self) -> None:
        await self._stored.written()

    def room(self, source: str, schedule: Sequence[int], now: int) -> int | None:
        """How many recipients it may still have today; None: as many as there are, it is warm."""
        state = self.state(source, now)
        if state.day >= len(schedule):
            return None
        return max(0, schedule[state.day] - state.sent)

    def untouched(self, source: str, now: int) -> bool:
        """Whether nothing was sent from it today."""
        return self.state(source, now).sent == 0

    def next_day(self, source: str, now: int) -> int:
        state = self.state(source, now)
        return state.first + (state.day + 1) * DAY

    def count(self, source: str, recipients: int, now: int) -> None:
        """So many more today; a negative number takes back what did not go out."""
        state = self.state(source, now)
        counted = WarmUp(source, state.first, state.day, max(0, state.sent + recipients))
        self._known[source] = counted
        self._stored.put(source, counted)

    def state(self, source: str, now: int) -> WarmUp:
        """As of now. An address that was never used is on its first day, which has not begun."""
        known = self._known.get(source)
        if known is None:
            return WarmUp(source, now, 0, 0)
        day = max(known.day, (now - known.first) // DAY)  # a clock that was set back repeats no day
        return known if day == known.day else WarmUp(source, known.first, day, 0)
