"""How many messages each client address began in this minute.

Standing rule: memory grows with the addresses of one minute, and is given back with it.
"""

from collections.abc import Callable


class MessageRate:
    """seconds: any clock that does not go back."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._minute = -1
        self._begun: dict[str, int] = {}

    def admits(self, host: str, limit: int) -> bool:
        """Count one more; whether it is within the limit. limit 0: any number."""
        if not limit:
            return True
        if (minute := int(self._seconds() // 60)) != self._minute:
            self._minute = minute
            self._begun.clear()
        begun = self._begun[host] = self._begun.get(host, 0) + 1
        return begun <= limit
