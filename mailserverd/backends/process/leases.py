"""ProcessLeases: the Leases interface where this process is the only one.

Standing rules: the data directory's lock has made sure that nobody else is there, so every lease is granted at once;
the fence rises all the same, so that what was opened earlier under the name is known to be stale.
"""

from mailserverd.interfaces.leases import Lease


class ProcessLeases:
    def __init__(self) -> None:
        self._fence = 0

    async def acquire(self, name: str) -> Lease:
        self._fence += 1
        return Lease(name, self._fence)

    async def release(self, lease: Lease) -> None:
        """Nothing is remembered of a lease."""
