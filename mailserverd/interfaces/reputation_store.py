"""ReputationStore: which addresses are suppressed, which accounts are suspended, how our own addresses stand.

Durability Every method that changes something returns after it is on disk. Raises TryAgain: nothing is changed.
Memory     Nothing here grows with the number of records: every list takes a limit.
"""

from collections.abc import Sequence
from typing import Protocol

from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import Rest, Suppression, Suspension, WarmUp


class ReputationStore(Protocol):
    async def suppression(self, address: str, scopes: Sequence[str]) -> list[Suppression]:
        """What is stored for the address in any of these scopes, expired or not, in their order."""
        ...

    async def put_suppression(self, suppression: Suppression) -> None:
        """Add, or replace that of the same address and scope."""
        ...

    async def remove_suppression(self, address: str, scope: str | None = None) -> int:
        """Of one scope, or of all; how many there were."""
        ...

    async def suppressions(self, after: str, limit: int, address: str = "") -> tuple[list[Suppression], str]:
        """By address (of this one alone where it is given), and the cursor of the next page ("": there is none)."""
        ...

    async def note_soft(self, address: str, now: int) -> int:
        """One more message to this address expired; how many did in a row."""
        ...

    async def forget_soft(self, address: str) -> None:
        """A message reached it. Costs nothing where none had expired."""
        ...

    async def suspension(self, account_id: AccountId) -> Suspension | None: ...

    async def put_suspension(self, suspension: Suspension) -> None: ...

    async def remove_suspension(self, account_id: AccountId) -> bool:
        """Whether there was one."""
        ...

    async def suspensions(self) -> list[Suspension]: ...

    async def rests(self) -> list[Rest]:
        """Of all our addresses; read at the start."""
        ...

    async def put_rest(self, rest: Rest) -> None: ...

    async def warm_ups(self) -> list[WarmUp]:
        """Of all our addresses; read at the start."""
        ...

    async def put_warm_up(self, warm_up: WarmUp) -> None: ...

    async def tidy(self, now: int) -> int:
        """Remove what has expired, a bounded number of records a call; how many."""
        ...
