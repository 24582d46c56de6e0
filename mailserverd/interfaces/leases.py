"""Leases: who owns a shard or an account's writes. The embedded implementation always grants."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lease:
    """fence rises with every new holder; a commit that carries an older one is refused with TryAgain."""

    name: str
    fence: int


class Leases(Protocol):
    async def acquire(self, name: str) -> Lease:
        """Raises TryAgain while another holds it."""
        ...

    async def release(self, lease: Lease) -> None: ...
