"""The name of a message from MAIL on: in the log, in its trace, in Received, in the keys of its deliveries.

Standing rule: never given twice, not even by another run of the server; sorts by time.
"""

from collections.abc import Callable


class QueueIds:
    """seconds: the wall clock. random: octets for this run's part of the name."""

    __slots__ = ("_count", "_run", "_seconds")

    def __init__(self, seconds: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._seconds = seconds
        self._run = random(4).hex()
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{int(self._seconds() * 1000):011x}{self._run}{self._count:x}"


def delivery_key(queue_id: str, account_id: int) -> bytes:
    """The idempotency key of one copy of a message: at most 64 octets."""
    return f"{queue_id}/{account_id:x}".encode("ascii")
