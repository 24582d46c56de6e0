"""LmdbReputation: the ReputationStore interface over the embedded store.

Standing rules: no record is kept in memory, a read is one of the mapped file; but that there is no suppression, soft
bounce or suspension at all, as on most servers, is known without reading, for each message asks nine times. Keys: see
reputation_records.
"""

from collections.abc import Sequence

from mailserverd.backends.lmdb.reputation_records import Records, counter_octets, name_octets, reader
from mailserverd.backends.lmdb.reputation_records import encode as _encode
from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import Rest, Suppression, Suspension, WarmUp

SOFT_KEPT_SECONDS = 90 * 86_400
_TIDIED_AT_ONCE = 5_000
_MAX_LISTED = 100_000
_SUPPRESSION, _SOFT, _SUSPENSION, _REST, _WARM_UP = b"Rs", b"Rf", b"Ra", b"Rr", b"Rw"

_suppression = reader(Suppression, "an entry of the suppression list")
_suspension = reader(Suspension, "a suspension")
_rest = reader(Rest, "the rest of an address")
_warm_up = reader(WarmUp, "the warm-up of an address")
_soft = reader(tuple[int, int], "a count of soft bounces")


class LmdbReputation:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._tidied = b""
        self._empty = {family for family in (_SUPPRESSION, _SOFT, _SUSPENSION) if not records.scan(family, 1)}

    async def suppression(self, address: str, scopes: Sequence[str]) -> list[Suppression]:
        if _SUPPRESSION in self._empty:
            return []
        found = [self._records.get(_suppression_key(address, scope)) for scope in scopes]
        return [_suppression(value) for value in found if value is not None]

    async def put_suppression(self, suppression: Suppression) -> None:
        key = _suppression_key(suppression.address, suppression.scope)
        self._empty.discard(_SUPPRESSION)
        await self._records.write([(key, _encode(suppression))])

    async def remove_suppression(self, address: str, scope: str | None = None) -> int:
        if scope is not None:
            key = _suppression_key(address, scope)
            gone = [key] if self._records.get(key) is not None else []
        else:
            gone = [key for key, _ in self._records.scan(_SUPPRESSION + name_octets(address) + b"\0")]
        if gone:
            await self._records.write([], [*gone, _SOFT + name_octets(address)])
        return len(gone)

    async def suppressions(self, after: str, limit: int, address: str = "") -> tuple[list[Suppression], str]:
        last = bytes.fromhex(after) if after else b""
        prefix = _SUPPRESSION + name_octets(address) + b"\0" if address else _SUPPRESSION
        found = self._records.scan(prefix, limit + 1, last)
        page = found[:limit]
        more = page[-1][0].hex() if page and len(found) > limit else ""
        return [_suppression(value) for _, value in page], more

    async def note_soft(self, address: str, now: int) -> int:
        key = _SOFT + name_octets(address)
        value = self._records.get(key)
        count = (_soft(value)[0] if value is not None else 0) + 1
        self._empty.discard(_SOFT)
        await self._records.write([(key, _encode((count, now)))])
        return count

    async def forget_soft(self, address: str) -> None:
        key = _SOFT + name_octets(address)
        if _SOFT not in self._empty and self._records.get(key) is not None:
            await self._records.write([], [key])

    async def suspension(self, account_id: AccountId) -> Suspension | None:
        if _SUSPENSION in self._empty:
            return None
        value = self._records.get(_SUSPENSION + counter_octets(account_id))
        return None if value is None else _suspension(value)

    async def put_suspension(self, suspension: Suspension) -> None:
        self._empty.discard(_SUSPENSION)
        await self._records.write([(_SUSPENSION + counter_octets(suspension.account_id), _encode(suspension))])

    async def remove_suspension(self, account_id: AccountId) -> bool:
        key = _SUSPENSION + counter_octets(account_id)
        if self._records.get(key) is None:
            return False
        await self._records.write([], [key])
        return True

    async def suspensions(self) -> list[Suspension]:
        return [_suspension(value) for _, value in self._records.scan(_SUSPENSION, _MAX_LISTED)]

    async def rests(self) -> list[Rest]:
        return [_rest(value) for _, value in self._records.scan(_REST, _MAX_LISTED)]

    async def put_rest(self, rest: Rest) -> None:
        key = _REST + name_octets(rest.source) + b"\0" + name_octets(rest.provider)[:100]
        await self._records.write([(key, _encode(rest))])

    async def warm_ups(self) -> list[WarmUp]:
        return [_warm_up(value) for _, value in self._records.scan(_WARM_UP, _MAX_LISTED)]

    async def put_warm_up(self, warm_up: WarmUp) -> None:
        await self._records.write([(_WARM_UP + name_octets(warm_up.source), _encode(warm_up))])

    async def tidy(self, now: int) -> int:
        found = self._records.scan(_SUPPRESSION, _TIDIED_AT_ONCE, self._tidied)
        gone = [key for key, value in found if not _suppression(value).holds(now)]
        self._tidied = found[-1][0] if len(found) == _TIDIED_AT_ONCE else b""
        gone += [key for key, value in self._records.scan(_REST, _MAX_LISTED) if _rest(value).until <= now]
        gone += [
            key
            for key, value in self._records.scan(_SOFT, _TIDIED_AT_ONCE)
            if _soft(value)[1] + SOFT_KEPT_SECONDS < now
        ]
        if gone:
            await self._records.write([], gone)
        return len(gone)


def _suppression_key(address: str, scope: str) -> bytes:
    return _SUPPRESSION + name_octets(address) + b"\0" + scope.encode("utf-8", "surrogatepass")[:64]
