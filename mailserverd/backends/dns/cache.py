"""Answers for as long as they hold.

Standing rules: bounded by weight (an answer of kilobytes counts for several); what was not asked for the longest goes
first; the clock is the caller's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from mailserverd.backends.dns.answer import Answer

OCTETS_OF_ONE = 512
Key = tuple[str, int]


class Held(NamedTuple):
    answer: Answer
    until: float
    weight: int


class Cache:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._weight = 0

    def get(self, key: Key, now: float) -> Answer | None:
        held = self._held.get(key)
        if held is None:
            return None
        if held.until <= now:
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return held.answer

    def put(self, key: Key, answer: Answer, now: float) -> None:
        """One that holds no time at all is not kept."""
        if key in self._held:
            self._drop(key)
        if answer.ttl > 0:
            weight = weight_of(answer)
            self._held[key] = Held(answer, now + answer.ttl, weight)
            self._weight += weight
            self._shrink()

    def resize(self, limit: int) -> None:
        self._limit = limit
        self._shrink()

    def clear(self) -> None:
        self._held.clear()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._held)

    def _shrink(self) -> None:
        while self._weight > self._limit and self._held:
            self._drop(next(iter(self._held)))

    def _drop(self, key: Key) -> None:
        self._weight -= self._held.pop(key).weight


def weight_of(answer: Answer) -> int:
    octets = sum(len(each) + 100 if isinstance(each, (str, bytes)) else 200 for each in answer.records)
    return 1 + octets // OCTETS_OF_ONE
