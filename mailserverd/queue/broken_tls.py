"""Hosts whose TLS handshake broke: for a while mail goes there in plaintext, where nothing demands TLS.

Standing rules: in memory only and bounded; a handshake that works is the end of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

HOLDS_SECONDS = 3600
MAX_HOSTS = 10000


class BrokenTls:
    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._until: OrderedDict[str, float] = OrderedDict()

    def broke(self, host: str) -> None:
        self._until[host] = self._seconds() + HOLDS_SECONDS
        self._until.move_to_end(host)
        while len(self._until) > MAX_HOSTS:
            self._until.popitem(last=False)

    def worked(self, host: str) -> None:
        self._until.pop(host, None)

    def is_broken(self, host: str) -> bool:
        until = self._until.get(host)
        if until is None:
            return False
        if until <= self._seconds():
            del self._until[host]
            return False
        return True
