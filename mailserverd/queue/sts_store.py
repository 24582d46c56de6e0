"""Policies of MTA-STS that were fetched, for as long as they say (RFC 8461 §3.2).

    Ts <domain>   a Kept, in msgpack

Standing rules: a policy is used from memory or disk without asking anybody; what has expired is not there; memory is
bounded, and what the store refuses is used all the same and fetched again after a restart.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
from twisted.logger import Logger

from mailserverd.model.errors import StoreError
from mailserverd.wire.mta_sts.policy import BadPolicy, StsPolicy, parse_policy

_PREFIX = b"Ts"
IN_MEMORY = 2000
PAGE = 200
SHORTEST_SECONDS = 60  # for the mail for which it was fetched
_LEADS = "abcdefghijklmnopqrstuvwxyz0123456789_-"

_log = Logger()


class Records(Protocol):
    """Durable records by key (backends/lmdb/record_access)."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, prefix: bytes, limit: int) -> Sequence[tuple[bytes, bytes]]: ...

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None: ...


class Kept(msgspec.Struct, frozen=True, array_like=True):
    id: str
    fetched: int
    text: bytes


class Held(NamedTuple):
    """A policy in force. id: of the record under which it was fetched, at `fetched`."""

    policy: StsPolicy
    id: str
    fetched: int

    @property
    def expires(self) -> int:
        return self.fetched + max(self.policy.max_age, SHORTEST_SECONDS)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)


class StsStore:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._memory: OrderedDict[str, Held | None] = OrderedDict()
        self._round = 0

    def get(self, domain: str, now: float) -> Held | None:
        if domain not in self._memory:
            self._remember(domain, _read(self._records.get(_key(domain))))
        self._memory.move_to_end(domain)
        held = self._memory[domain]
        return held if held is not None and now < held.expires else None

    async def put(self, domain: str, held: Held, text: bytes) -> None:
        self._remember(domain, held)
        try:
            await self._records.write([(_key(domain), _encoder.encode(Kept(held.id, held.fetched, text)))])
        except StoreError as error:
            _log.warn("a policy of MTA-STS is not stored", domain=domain, why=str(error))

    async def next_page(self, now: float) -> list[tuple[str, Held]]:
        """Some of all domains, others each time until all were named; those that have expired are removed."""
        prefix = _PREFIX + _LEADS[self._round % len(_LEADS)].encode()
        self._round += 1
        found, gone = list[tuple[str, Held]](), list[bytes]()
        for key, value in self._records.scan(prefix, PAGE):
            held = _read(value)
            if held is None or held.expires <= now:
                gone.append(key)
            else:
                found.append((key[len(_PREFIX) :].decode("ascii", "replace"), held))
        if gone:
            try:
                await self._records.write([], gone)
            except StoreError as error:
                _log.warn("expired policies of MTA-STS are not removed", why=str(error))
        return found

    def rounds(self) -> int:
        """How many pages it takes to name all."""
        return len(_LEADS)

    def _remember(self, domain: str, held: Held | None) -> None:
        self._memory[domain] = held
        self._memory.move_to_end(domain)
        while len(self._memory) > IN_MEMORY:
            self._memory.popitem(last=False)


def _key(domain: str) -> bytes:
    return _PREFIX + domain.encode("ascii", "replace")


def _read(value: bytes | None) -> Held | None:
    """A record that cannot be read is none."""
    if value is None:
        return None
    try:
        kept = _decoder.decode(value)
        return Held(parse_policy(kept.text), kept.id, kept.fetched)
    except (msgspec.DecodeError, BadPolicy):
        return None
