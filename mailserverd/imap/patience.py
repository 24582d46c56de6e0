"""How long a connection may last: until the login, in silence, unread, and after the goodbye; and IDLE's sign of life.

Standing rules: one timer a connection, which looks at the clock from time to time; a command at work is waited for
(RFC 9051 §5.4 counts the client's silence); a client that does not read, or does not go, is cut off.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.imap.session import Session, Settings

CLOSING_SECONDS = 60.0  # to read the last answer; over TLS the client would have to agree to the end too
log = Logger()


class Connection(Protocol):
    """The connection that is watched."""

    session: Session
    paused: bool

    @property
    def is_at_work(self) -> bool: ...
    def write(self, octets: bytes) -> None: ...
    def goodbye(self, text: bytes) -> None: ...
    def abort(self) -> None: ...


class Patience:
    """last_input, last_output: when the client said something, and we."""

    __slots__ = ("_clock", "_connection", "_ended", "_settings", "_stalled", "_timer", "last_input", "last_output")

    def __init__(self, connection: Connection, clock: IReactorTime, settings: Settings) -> None:
        self._connection = connection
        self._clock = clock
        self._settings = settings
        self._ended = False
        self.last_input = self.last_output = self._stalled = clock.seconds()
        self._timer: IDelayedCall = clock.callLater(settings.imap.login_timeout_seconds, self._look)

    def end(self) -> None:
        self._ended = True
        if self._timer.active():
            self._timer.cancel()

    def heard(self) -> None:
        self.last_input = self._clock.seconds()

    def stalls(self) -> None:
        """The client does not read what we wrote."""
        self._stalled = self._clock.seconds()
        self._within(self._settings.limits.stalled_client_seconds)

    def idles(self) -> None:
        self._within(self._settings.imap.idle_keepalive_seconds)

    def closes(self) -> None:
        self._look_in(CLOSING_SECONDS)

    def _within(self, seconds: float) -> None:
        if self._timer.active() and self._timer.getTime() > self._clock.seconds() + seconds:
            self._look_in(seconds)

    def _look_in(self, seconds: float) -> None:
        if self._timer.active():
            self._timer.cancel()  # reset() to an earlier time would look for it among the timers of all sessions
            self._timer = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        connection, limits = self._connection, self._settings.limits
        now, session = self._clock.seconds(), connection.session
        stalled = self._stalled + limits.stalled_client_seconds - now if connection.paused else float("inf")
        if stalled <= 0:
            log.info("dropped a client that does not read", session=session.peer.session)
        if stalled <= 0 or session.closing:
            connection.abort()
            return
        left = min(stalled, self._silence(now))
        if session.idling and not session.closing:
            left = min(left, self._sign_of_life(now))
        if not self._ended:
            self._timer = self._clock.callLater(max(left, 1.0), self._look)

    def _silence(self, now: float) -> float:
        """How long the client may stay silent from now on; where it was silent for too long, goodbye."""
        session, imap = self._connection.session, self._settings.imap
        logged_in = session.login is not None
        left = self.last_input + (imap.idle_timeout_seconds if logged_in else imap.login_timeout_seconds) - now
        if left > 0 or self._connection.is_at_work:
            return left
        self._connection.goodbye(b"Autologout" if logged_in else b"Login took too long")  # RFC 9051 §5.4
        return CLOSING_SECONDS

    def _sign_of_life(self, now: float) -> float:
        every = self._settings.imap.idle_keepalive_seconds
        if now - self.last_output >= every and not self._connection.paused:
            self._connection.write(b"* OK Still here\r\n")
        return max(self.last_output + every - now, 1.0)
