"""Step: what one plan sees of the draft of a commit, and what it wants changed.

Standing rules: puts are kept here until the plan has returned, so that a plan that raises has changed nothing;
reads see the plan's own puts. A plan over very many messages calls `spill` once nothing can fail any more, and then
its memory stays bounded; a failure after that undoes the whole batch.
"""

from mailserverd.backends.lmdb.draft import Draft
from mailserverd.backends.lmdb.environment import Transaction, scanned

_ABSENT = object()


class Step:
    """early: the plan is about to be answered before it is on disk. wrote: something was changed."""

    __slots__ = ("_changes", "_draft", "_groups", "early", "wrote")

    def __init__(self, draft: Draft, early: bool = False) -> None:
        self._draft = draft
        self._changes: dict[bytes, bytes | None] = {}
        self._groups: set[bytes] = set()
        self.early = early
        self.wrote = False

    @property
    def transaction(self) -> Transaction:
        """For a plan that reads a great many records before it changes any."""
        self._draft.flush()
        return self._draft.transaction

    def get(self, key: bytes) -> bytes | None:
        value = self._changes.get(key, _ABSENT)
        if value is _ABSENT:
            return self._draft.get(key)
        return value  # type: ignore[return-value]

    def put(self, key: bytes, value: bytes) -> None:
        self._changes[key] = value

    def put_in_group(self, group: bytes, key: bytes, value: bytes) -> None:
        """As put; group: the beginning of the key that `has_under` will be asked for."""
        self._groups.add(group)
        self._changes[key] = value

    def delete(self, key: bytes) -> None:
        self._changes[key] = None

    def scan(self, prefix: bytes, limit: int = 1_000_000, after: bytes = b"") -> list[tuple[bytes, bytes]]:
        """As Environment.scan, with this plan's changes."""
        mine = {key: value for key, value in self._changes.items() if key.startswith(prefix) and key > after}
        found = scanned(self.transaction, prefix, limit + len(mine), after)
        if not mine:
            return found
        merged = dict(found)
        complete = len(found) < limit + len(mine)
        last = found[-1][0] if found else b""
        for key, value in mine.items():
            if value is None:
                merged.pop(key, None)
            elif complete or key <= last:
                merged[key] = value
        return sorted(merged.items())[:limit]

    def has_under(self, prefix: bytes) -> bool:
        """Whether there is a record whose key begins with prefix; this plan's are seen if put by put_in_group."""
        mine, changed = self._changes, self._draft.changes
        cursor = self._draft.transaction.cursor()
        there = cursor.set_range(prefix)
        while there and (key := cursor.key()).startswith(prefix):
            if mine.get(key, changed.get(key, b"")) is not None:
                cursor.close()
                return True
            there = cursor.next()
        cursor.close()
        if prefix not in self._groups and prefix not in self._draft.groups:
            return False
        changes = {**changed, **mine}
        return any(value is not None and key.startswith(prefix) for key, value in changes.items())

    def floor(self, prefix: bytes, key: bytes) -> tuple[bytes, bytes] | None:
        """The record with the greatest key that begins with prefix and is not above `key`."""
        best = max(
            (k for k, v in self._changes.items() if v is not None and k <= key and k.startswith(prefix)), default=b""
        )
        cursor = self.transaction.cursor()
        there = cursor.set_range(key)
        if not there:
            there = cursor.last()
        while there and (cursor.key() > key or self._changes.get(cursor.key(), b"") is None):
            there = cursor.prev()
        found: tuple[bytes, bytes] | None = cursor.item() if there else None
        cursor.close()
        if found is not None and found[0] >= best and found[0].startswith(prefix):
            mine = self._changes.get(found[0])
            return found if mine is None else (found[0], mine)
        return (best, self._changes[best]) if best else None  # type: ignore[return-value]

    def spill(self) -> None:
        """Hand over what is kept so far: only when this plan can no longer fail."""
        if self._changes:
            self.wrote = True
            self._draft.take(self._changes, self._groups)
            self._changes, self._groups = {}, set()
