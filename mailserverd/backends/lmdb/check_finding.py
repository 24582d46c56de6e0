"""Finding: one thing that is wrong in the store, and what would mend it."""

from dataclasses import dataclass

WARNING = "warning"  # nothing that a user sees: a leftover, a log that is shorter than it says
ERROR = "error"  # a user sees something wrong, or soon would
LOSS = "loss"  # octets that were acknowledged are not there any more


@dataclass(frozen=True, slots=True)
class Finding:
    """puts and deletes together mend it; both are empty where the store itself holds nothing to mend it from.

    account_id: None for what belongs to no account. what_to_do: a sentence, where we cannot mend it.
    """

    severity: str
    account_id: int | None
    what: str
    puts: tuple[tuple[bytes, bytes], ...] = ()
    deletes: tuple[bytes, ...] = ()
    what_to_do: str = ""

    @property
    def repairable(self) -> bool:
        return bool(self.puts or self.deletes)
