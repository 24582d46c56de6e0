"""How much one search may ask, and how long it may work.

Standing rules: counted is the time that it works, not that it waits for others or the disk; a search that is stopped
says so, and never gives a part of an answer for the whole.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter

from mailserverd.mailstore.find_index import Turn
from mailserverd.model.errors import LimitReached
from mailserverd.model.search_query import And, BodyHas, Not, Or, SearchQuery, TextHas


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """texts: BODY and TEXT keys together, each of which is looked for in every message; seconds: of work."""

    texts: int
    seconds: float


class Work:
    """One search's work. Raises LimitReached where it takes too long."""

    __slots__ = ("_began", "_left", "_turn")

    def __init__(self, turn: Turn, limits: SearchLimits) -> None:
        self._turn = turn
        self._left = limits.seconds
        self._began = perf_counter()

    async def turn(self) -> None:
        """Others have their turn, if it is theirs."""
        self._pause()
        await self._turn()
        self._began = perf_counter()

    async def elsewhere(
        self, run: Callable[[Callable[[bytes], bool]], Awaitable[bool]], work: Callable[[bytes], bool]
    ) -> bool:
        """What `run` gives, which has `work` done in another thread."""
        self._pause()
        try:
            return await run(lambda octets: self._timed(work, octets))
        finally:
            self._began = perf_counter()

    def _timed(self, work: Callable[[bytes], bool], octets: bytes) -> bool:
        began = perf_counter()
        try:
            return work(octets)
        finally:
            self._left -= perf_counter() - began

    def _pause(self) -> None:
        self._left -= perf_counter() - self._began
        if self._left < 0:
            raise LimitReached("The search takes too long: ask for fewer messages or texts")


def check_texts(query: SearchQuery, limits: SearchLimits) -> None:
    """Raises LimitReached."""
    if _texts(query) > limits.texts:
        raise LimitReached(f"A search may have {limits.texts} BODY and TEXT keys")


def _texts(query: SearchQuery) -> int:
    if isinstance(query, And | Or):
        return sum(map(_texts, query.parts))
    return _texts(query.part) if isinstance(query, Not) else isinstance(query, BodyHas | TextHas)
