"""LmdbRecords: plain records (directory, pending deliveries, reputation) over the environment and its writer."""

from collections.abc import Sequence

from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.writer import Writer


class LmdbRecords:
    def __init__(self, environment: Environment, writer: Writer) -> None:
        self._environment = environment
        self._writer = writer

    def get(self, key: bytes) -> bytes | None:
        return self._environment.get(key)

    def scan(self, prefix: bytes, limit: int = 1_000_000, after: bytes = b"") -> list[tuple[bytes, bytes]]:
        return self._environment.scan(prefix, limit, after)

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        """All of it in one commit; on disk when it returns. Raises TryAgain."""

        def plan(step: Step) -> None:
            for key in deletes:
                step.delete(key)
            for key, value in puts:
                step.put(key, value)

        await self._writer.submit(plan, sum(len(value) for _, value in puts))
