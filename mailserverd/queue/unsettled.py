"""How many messages lie between another server's 250 and our commit: what a crash at that moment sends twice.

Standing rules: above the bound nothing new is begun until a commit is over, so that a disk that has fallen behind, or
stopped, does not let them pile up; who waits goes on in turn.
"""

from collections import deque

from twisted.internet.defer import Deferred

AT_ONCE = 16


class Unsettled:
    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._now = 0
        self._waiting: deque[Deferred[None]] = deque()

    async def room(self) -> None:
        """Wait until there are few enough."""
        while self._now >= self._at_once:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)

    def begun(self) -> None:
        """A message was taken by its server."""
        self._now += 1

    def ended(self) -> None:
        """And that is on disk."""
        self._now -= 1
        if self._waiting and self._now < self._at_once:
            self._waiting.popleft().callback(None)
