"""Draft: the open write transaction, and what plans have changed but not yet put into it.

Standing rules: the next plan reads what the plans before it changed; a record that many plans of one batch change
(the account's, the mailbox's, the last state page) is put once; whoever looks at more than single keys calls `flush`
first. Each call into LMDB gives up the interpreter lock and has to win it back from a busy reactor: calls are what
a batch costs.
"""

from mailserverd.backends.lmdb.environment import Transaction, put_all

_ABSENT = object()
MAX_CHANGES = 4096


class Draft:
    """groups: see Step.put_in_group."""

    __slots__ = ("changes", "groups", "transaction")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.changes: dict[bytes, bytes | None] = {}
        self.groups: set[bytes] = set()

    def get(self, key: bytes) -> bytes | None:
        value = self.changes.get(key, _ABSENT)
        if value is _ABSENT:
            value = self.transaction.get(key)
        return value  # type: ignore[return-value]

    def take(self, changes: dict[bytes, bytes | None], groups: set[bytes]) -> None:
        """What a plan changed. Raises OutOfMap, WriteFailed."""
        self.changes.update(changes)
        self.groups |= groups
        if len(self.changes) > MAX_CHANGES:
            self.flush()

    def flush(self) -> None:
        """Put everything into the transaction. Raises OutOfMap, WriteFailed."""
        changes = self.changes
        if changes:
            puts = [(key, value) for key, value in sorted(changes.items()) if value is not None]
            put_all(self.transaction, puts, [key for key, value in changes.items() if value is None])
            self.changes, self.groups = {}, set()
