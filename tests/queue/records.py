"""MemoryRecords: durable records, in memory."""

from collections.abc import Sequence

from mailserverd.model.errors import TryAgain


class MemoryRecords(dict[bytes, bytes]):
    """full: the store refuses writes."""

    full = False

    def scan(self, prefix: bytes, limit: int = 1_000_000) -> list[tuple[bytes, bytes]]:
        return sorted((key, value) for key, value in self.items() if key.startswith(prefix))[:limit]

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        if self.full:
            raise TryAgain("the disk is full")
        for key in deletes:
            self.pop(key, None)
        self.update(puts)
