"""How long a client may take: to say its next command, to send a message, to read what we wrote, to go.

Standing rules: one timer a connection, which looks at the deadline from time to time while the deadline moves on
without it; a command's time runs from the last reply and single octets don't lengthen it; a message's grows with what
has come of it; while we are at work there is none.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from mailserverd.smtp.settings import Settings

PROXY_SECONDS = 10.0
CLOSING_SECONDS = 30.0  # how long a client may take to read the last reply
MESSAGE_SECONDS = 600.0  # a message may take this long, and a second more for each
MESSAGE_OCTETS_A_SECOND = 1024


class Deadline:
    """passed: called when the time is up, and every CLOSING_SECONDS from then on until end()."""

    __slots__ = ("_at", "_clock", "_message_began", "_passed", "_settings", "_soonest", "_timer")

    def __init__(self, clock: IReactorTime, settings: Settings, passed: Callable[[], None]) -> None:
        self._clock = clock
        self._settings = settings
        self._passed = passed
        self._message_began = 0.0
        self._at = clock.seconds() + PROXY_SECONDS
        self._soonest = float(
            min(settings.command_timeout_seconds, settings.data_timeout_seconds, settings.stalled_client_seconds)
        )
        self._timer: IDelayedCall | None = clock.callLater(min(PROXY_SECONDS, self._soonest), self._look)

    def end(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def none(self) -> None:
        """The client waits for us."""
        self._at = float("inf")

    def for_command(self) -> None:
        self._message_began = 0.0
        self._at = self._clock.seconds() + self._settings.command_timeout_seconds

    def for_message(self, octets: int) -> None:
        """octets: what has come of it by now."""
        now = self._clock.seconds()
        if not self._message_began:
            self._message_began = now
        whole = self._message_began + MESSAGE_SECONDS + octets / MESSAGE_OCTETS_A_SECOND
        self._at = min(now + self._settings.data_timeout_seconds, whole)

    def for_reading(self) -> None:
        """The client has more to read than it takes."""
        self._at = self._clock.seconds() + self._settings.stalled_client_seconds

    def for_going(self) -> None:
        """The last reply was written."""
        self._at = self._clock.seconds() + CLOSING_SECONDS
        if self._timer is not None and self._timer.active():
            self._timer.cancel()  # reset() to an earlier time would look for it among the timers of all sessions
            self._timer = self._clock.callLater(CLOSING_SECONDS, self._look)

    def _look(self) -> None:
        left = self._at - self._clock.seconds()
        if left > 0:
            self._timer = self._clock.callLater(min(left, self._soonest), self._look)
            return
        self._timer = self._clock.callLater(CLOSING_SECONDS, self._look)
        self._passed()
