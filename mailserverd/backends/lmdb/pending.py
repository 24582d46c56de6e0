"""LmdbPending: the PendingDeliveries interface over the embedded store.

    P r <key>   the record without its message, in msgpack        P m <key>   the message as it is to be stored

Standing rules: the times at which records are due are mirrored in memory, after the commit that they come from; a new
try of a record does not write its message again; one call to due() reads a bounded number of octets.
"""

from collections.abc import Sequence
from dataclasses import replace
from heapq import nsmallest
from typing import Protocol

import msgspec

from mailserverd.interfaces.pending_deliveries import PendingDelivery

_RECORD, _MESSAGE = b"Pr", b"Pm"
MAX_DUE_OCTETS = 64 * 1024 * 1024

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PendingDelivery)


class PendingRecords(Protocol):
    """The part of the embedded store that pending deliveries need. Reads are of what is committed and do not wait."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, prefix: bytes) -> Sequence[tuple[bytes, bytes]]: ...

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        """All of it in one commit; on disk when it returns; writes happen in the order asked for. Raises TryAgain."""
        ...


class LmdbPending:
    def __init__(self, records: PendingRecords) -> None:
        self._records = records
        self._due_at: dict[bytes, int] = {}
        for key, value in records.scan(_RECORD):
            self._due_at[key[len(_RECORD) :]] = _decoder.decode(value).due_at

    async def put(self, pending: PendingDelivery) -> None:
        key = pending.key
        puts = [(_RECORD + key, _encoder.encode(replace(pending, message=b"")))]
        if key not in self._due_at or self._records.get(_MESSAGE + key) != pending.message:
            puts.append((_MESSAGE + key, pending.message))
        await self._records.write(puts)
        self._due_at[key] = pending.due_at

    async def due(self, now: int, limit: int) -> list[PendingDelivery]:
        """Those longest due first; fewer than limit where their messages are together above MAX_DUE_OCTETS."""
        ripe = nsmallest(limit, ((due_at, key) for key, due_at in self._due_at.items() if due_at <= now))
        found: list[PendingDelivery] = []
        octets = 0
        for _, key in ripe:
            record, message = self._records.get(_RECORD + key), self._records.get(_MESSAGE + key)
            if record is None or message is None:
                continue  # a removal is on its way
            octets += len(message)
            if found and octets > MAX_DUE_OCTETS:
                break
            found.append(replace(_decoder.decode(record), message=message))
        return found

    async def remove(self, key: bytes) -> None:
        if key in self._due_at:
            await self._records.write([], [_RECORD + key, _MESSAGE + key])
            self._due_at.pop(key, None)

    async def count(self) -> int:
        return self.waiting()

    def waiting(self) -> int:
        return len(self._due_at)
