"""SentMessages: what left, kept for the time in which somebody may report on it.

Durability `record` and `first_report` return after it is on disk. Raises TryAgain.
"""

from collections.abc import Sequence
from typing import Protocol

from mailserverd.model.reputation import SentMessage


class SentMessages(Protocol):
    async def record(self, message: SentMessage, addresses: Sequence[str]) -> None:
        """addresses: by position, as in the queue."""
        ...

    async def sent(self, queue_id: str) -> SentMessage | None: ...

    async def by_message_id(self, message_id: str) -> SentMessage | None:
        """The last one with this Message-ID (without angle brackets)."""
        ...

    async def by_envelope_id(self, envelope_id: str) -> SentMessage | None:
        """The last one whose sender gave it this ENVID (RFC 3461 §4.4)."""
        ...

    async def recipient(self, queue_id: str, position: int) -> str | None: ...

    async def position(self, queue_id: str, address: str) -> int | None:
        """Where the address stands among the recipients, compared in its canonical form."""
        ...

    async def first_report(self, queue_id: str, position: int, kind: str) -> bool:
        """Whether nothing of this kind ("bounce", "complaint", "unsubscribe") was reported of the recipient yet; from
        now on something was. A report that comes again counts once."""
        ...

    async def tidy(self, before: int) -> int:
        """Forget messages created before this time, a bounded number a call; how many."""
        ...
