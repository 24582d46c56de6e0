"""Whose turn it is, where many sessions have much to do.

Standing rules: the reactor is not kept from other clients for much longer than TURN_SECONDS, however many sessions
have work: what is left waits in a line, first come first served, and who asks for little is answered meanwhile; while
there is less to do than that, nobody waits and nothing is scheduled.
"""

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

TURN_SECONDS = 0.01
FLOOD_SECONDS = 0.002  # of commands that came together, of one session
AT_ONCE = 8  # sessions with work in memory: above that one more begins every NEW_ROUNDS turns
NEW_ROUNDS = 8
_PAUSE_SECONDS = 0.0002  # nothing was done for so long: others were heard
HEAVY = frozenset(
    prefix + name
    for prefix in ("", "UID ")
    for name in ("FETCH", "SEARCH", "STORE", "COPY", "MOVE", "EXPUNGE", "SELECT", "EXAMINE", "LIST", "STATUS")
)


class Turns:
    """Of one listener's sessions. clock: the reactor."""

    __slots__ = ("_begun", "_clock", "_new", "_rounds", "_scheduled", "_seconds", "_seen", "_start")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._seconds = clock.seconds
        self._start = self._seen = 0.0
        self._begun: deque[Deferred[None]] = deque()
        self._new: deque[Deferred[None]] = deque()
        self._rounds = 0
        self._scheduled = False

    def is_over(self) -> bool:
        """Whether sessions have worked without a pause for so long that others are to be heard."""
        now = self._seconds()
        if not 0 <= now - self._seen < _PAUSE_SECONDS:
            self._start = now
        self._seen = now
        return now - self._start > TURN_SECONDS

    def is_full(self) -> bool:
        """Whether who has not begun is to wait."""
        return len(self._begun) >= AT_ONCE or self.is_over()

    def worked(self) -> None:
        """A command is done."""
        self._seen = self._seconds()

    def next(self, begun: bool = True) -> Deferred[None]:
        """Called when those before have had their turn. begun: there is work in memory already."""
        waiting: Deferred[None] = Deferred()
        (self._begun if begun else self._new).append(waiting)
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._go_on)
        return waiting

    def _go_on(self) -> None:
        """Who has begun is to end, since a page of his mail is in memory; but who is new does not wait for ever."""
        began = self._start = self._seen = self._seconds()
        self._rounds += 1
        left = len(self._begun)
        if self._new and (left < AT_ONCE or self._rounds % NEW_ROUNDS == 0):
            self._begun.appendleft(self._new.popleft())
            left += 1
        while left and self._seen - began <= TURN_SECONDS:
            left -= 1
            self._begun.popleft().callback(None)
            self._seen = self._seconds()
        self._scheduled = bool(self._begun or self._new)
        if self._scheduled:
            self._clock.callLater(0, self._go_on)
