"""SendingCounts: how much was sent lately, and to whom an account wrote before.

Order      What is counted is seen by every later read at once, and is on disk with the next commit but one; `written`
           waits for that. A crash may lose the counts of one commit, never more.
"""

from collections.abc import Sequence
from typing import Protocol

from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import Meter


class SendingCounts(Protocol):
    async def total(self, meter: Meter, subject: str, now: int) -> int:
        """Over the time of the meter, up to now."""
        ...

    async def add(self, meter: Meter, subject: str, count: int, now: int) -> int:
        """The new total."""
        ...

    async def reset(self, meter: Meter, subject: str) -> None:
        """As if nothing had been counted."""
        ...

    async def strangers(self, account_id: AccountId, addresses: Sequence[str]) -> list[str]:
        """Those that the account never wrote to, each once."""
        ...

    async def know(self, account_id: AccountId, addresses: Sequence[str], now: int) -> None:
        """It wrote to them."""
        ...

    async def forget(self, account_id: AccountId) -> None:
        """The account is gone: whom it wrote to is removed, a bounded number in one step. Raises TryAgain."""
        ...

    async def written(self) -> None:
        """Everything counted so far is on disk. Raises TryAgain."""
        ...

    async def tidy(self, now: int) -> int:
        """Remove counts that are older than any meter asks for, a bounded number a call; how many."""
        ...
