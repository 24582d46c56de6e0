"""Addresses that this server made itself (return paths, unsubscribe addresses), and what mail says of mail that left.

Standing rule: what a report changes is durable before the message that brought it is acknowledged.
"""

from collections.abc import Sequence
from typing import Protocol


class Reports(Protocol):
    """queue/feedback."""

    async def leads_to(self, address: str) -> str | None:
        """Where mail for an address of this server's making goes: an address, or "" where it is only read; None: it is
        no such address. Raises StoreError."""
        ...

    async def read(self, recipients: Sequence[str], reverse_path: str, message: bytes, now: int) -> None:
        """Look into a message that came in. Raises StoreError."""
        ...
