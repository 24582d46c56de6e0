"""How long until the next attempt: of a recipient, at a destination, at a host.

Standing rules: a recipient waits by its class's schedule, with some jitter on top, so that what failed together does
not come back together; a destination or host that does not answer rests for a while, longer each time, but never as
long as its recipients wait. What rests is remembered in memory, bounded.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

JITTER = 0.1
GREYLISTED_SECONDS = (60, 120, 240)
FIRST_REST_SECONDS = 30
MAX_REST_SECONDS = 600
_REMEMBERED = 10_000

Key = TypeVar("Key", bound=Hashable)
Why = TypeVar("Why")


def retry_wait(schedule: Sequence[int], attempts: int, random: Callable[[], float]) -> int:
    """Seconds after that many attempts, at least 1. random: from 0 to 1."""
    wait = schedule[min(max(attempts, 1), len(schedule)) - 1]
    return max(1, round(wait * (1 + JITTER * random())))


def greylisted_wait(schedule: Sequence[int], attempts: int, random: Callable[[], float]) -> int:
    """The same sooner: a greylist lets in who comes back after a few minutes."""
    usual = retry_wait(schedule, attempts, random)
    return min(usual, GREYLISTED_SECONDS[attempts - 1]) if 0 < attempts <= len(GREYLISTED_SECONDS) else usual


class Rest(NamedTuple, Generic[Why]):
    until: float
    failures: int
    why: Why


class Rests(Generic[Key, Why]):
    def __init__(self) -> None:
        self._rests: dict[Key, Rest[Why]] = {}

    def failed(self, key: Key, why: Why, now: float, schedule: Sequence[int]) -> float:
        """Once more in a row; until when it rests."""
        known = self._rests.pop(key, None)
        failures = 1 if known is None else known.failures + 1
        usual = schedule[min(failures, len(schedule)) - 1]
        rest: float = min(FIRST_REST_SECONDS << min(failures - 1, 10), MAX_REST_SECONDS, usual * 0.8)
        if len(self._rests) >= _REMEMBERED:
            del self._rests[next(iter(self._rests))]
        self._rests[key] = Rest(now + rest, failures, why)
        return now + rest

    def succeeded(self, key: Key) -> None:
        if self._rests:
            self._rests.pop(key, None)

    def of(self, key: Key, now: float) -> Rest[Why] | None:
        """Its rest, if it is not over."""
        rest = self._rests.get(key)
        return rest if rest is not None and rest.until > now else None

    def resting(self, now: float) -> dict[Key, float]:
        """Whatever rests now, and until when."""
        return {key: rest.until for key, rest in self._rests.items() if rest.until > now}

    def forget(self) -> None:
        self._rests.clear()
