"""Passwords that were verified a moment ago, so that a mail client's tenth connection costs no argon2.

Standing rules: what is kept is a keyed hash under a key that lives and dies with the process, never the password; a
changed, removed or disabled secret raises the account's generation, and what was kept of an older one never matches
again; the table is bounded and every entry ends by itself.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable

from mailserverd.model.identifiers import AccountId


class RememberedPasswords:
    """seconds: a monotonic clock. keep_seconds = 0 remembers nothing."""

    __slots__ = ("_capacity", "_entries", "_key", "_seconds", "keep_seconds")

    def __init__(self, seconds: Callable[[], float], keep_seconds: float = 300.0, capacity: int = 50_000) -> None:
        self._seconds = seconds
        self.keep_seconds = keep_seconds
        self._capacity = capacity
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, tuple[float, str]] = OrderedDict()  # oldest first: all are kept as long

    def recall(self, account_id: AccountId, generation: int, prepared: str) -> str | None:
        """The label of the secret that this password was verified to be, or None."""
        entry = self._entries.get(self._digest(account_id, generation, prepared))
        if entry is None or entry[0] <= self._seconds() or self.keep_seconds <= 0:
            return None
        return entry[1]

    def remember(self, account_id: AccountId, generation: int, prepared: str, label: str) -> None:
        if self.keep_seconds <= 0:
            return
        now, entries = self._seconds(), self._entries
        digest = self._digest(account_id, generation, prepared)
        entries.pop(digest, None)
        entries[digest] = (now + self.keep_seconds, label)
        while len(entries) > self._capacity or next(iter(entries.values()))[0] <= now:
            entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)

    def _digest(self, account_id: AccountId, generation: int, prepared: str) -> bytes:
        message = b"%d.%d.%b" % (account_id, generation, prepared.encode())
        return hashlib.blake2b(message, key=self._key, digest_size=32).digest()
