"""How many messages each client address (IPv6: its /64) began in this minute.

Standing rule: memory grows with the addresses of one minute, and is given back with it.
"""

from collections.abc import Callable

from mailserverd.model.networks import network_of


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
        network = network_of(host)
        begun = self._begun[network] = self._begun.get(network, 0) + 1
        return begun <= limit
