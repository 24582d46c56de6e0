"""PendingDeliveries: copies of a message that failed after another copy of it was committed.

They are durable before DATA is answered, retried until they succeed or are too old, and bounce at last, so
that no sender's retry doubles the copies that did not fail.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """message: the whole message as it is to be stored. key: the delivery's idempotency key. Times: epoch seconds.

    notify: of what the sender wants to be told (RFC 3461 §4.1); "": of a failure.
    """

    key: bytes
    recipient: str
    reverse_path: str
    message: bytes
    accepted_at: int
    due_at: int
    attempts: int
    last_error: str
    notify: str = ""


class PendingDeliveries(Protocol):
    async def put(self, pending: PendingDelivery) -> None:
        """Add or replace by key; durable when it returns. Raises TryAgain."""
        ...

    async def due(self, now: int, limit: int) -> list[PendingDelivery]: ...

    async def remove(self, key: bytes) -> None: ...

    async def count(self) -> int: ...
