"""Replies of one turn of the reactor, written together when its events have been seen to.

Standing rules: order on a connection is kept by whoever uses it: `flush` comes before anything that writes to, closes
or changes a transport by another way; nothing waits longer than the turn. A write gives up the interpreter lock, and
wakes a client that takes processor time for itself: a dozen in a row cost much less than a dozen between which work is
done (docs/decisions/0004).
"""

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Connection

from mailserverd.connection.prompt_write import write_now


class Outbox:
    """Of all connections of a listener. clock: the reactor."""

    __slots__ = ("_clock", "_waiting")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: list[tuple[Any, bytes]] = []

    def write(self, transport: Any, data: bytes) -> None:
        """Soon. At once where it is not plain TCP."""
        if not isinstance(transport, Connection) or transport.TLS:
            write_now(transport, data)
            return
        if not self._waiting:
            self._clock.callLater(0, self.flush)
        self._waiting.append((transport, data))

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            write_now(transport, data)
