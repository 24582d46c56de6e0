"""LmdbSendingCounts: the SendingCounts interface over the embedded store.

Standing rules: counts that are not on disk yet are in memory, the others only on disk; one write at a time takes all
that came meanwhile, so that a busy account costs one record a commit.
"""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.backends.lmdb.reputation_records import Records, counter_octets, digest, name_octets, reader
from mailserverd.backends.lmdb.reputation_records import encode as _encode
from mailserverd.model.errors import TryAgain
from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import Meter

Counts = dict[int, int]
LONGEST_SECONDS = 8 * 86_400
_METER, _KNOWN = b"Rm", b"Rk"
_TIDIED_AT_ONCE = 5_000

_decode = reader(Counts, "a count of sending")
_log = Logger()


class LmdbSendingCounts:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._unwritten: dict[bytes, Counts] = {}
        self._known: dict[bytes, int] = {}
        self._writing = False
        self._waiters: list[Deferred[None]] = []
        self._tidied = b""

    async def total(self, meter: Meter, subject: str, now: int) -> int:
        return _sum(meter, self._counts(_meter_key(meter, subject)), now)

    async def add(self, meter: Meter, subject: str, count: int, now: int) -> int:
        key = _meter_key(meter, subject)
        oldest = _oldest(meter, now)
        counts = {start: each for start, each in self._counts(key).items() if start >= oldest}
        start = now - now % meter.bucket_seconds
        counts[start] = counts.get(start, 0) + count
        self._unwritten[key] = counts
        self._begin_writing()
        return _sum(meter, counts, now)

    async def reset(self, meter: Meter, subject: str) -> None:
        self._unwritten[_meter_key(meter, subject)] = {}
        self._begin_writing()

    async def strangers(self, account_id: AccountId, addresses: Sequence[str]) -> list[str]:
        prefix = _KNOWN + counter_octets(account_id)
        found = []
        for address in dict.fromkeys(addresses):
            key = prefix + digest(address, 12)
            if key not in self._known and self._records.get(key) is None:
                found.append(address)
        return found

    async def know(self, account_id: AccountId, addresses: Sequence[str], now: int) -> None:
        prefix = _KNOWN + counter_octets(account_id)
        self._known.update((prefix + digest(address, 12), now) for address in addresses)
        self._begin_writing()

    async def forget(self, account_id: AccountId) -> None:
        await self.written()
        while known := self._records.scan(_KNOWN + counter_octets(account_id), _TIDIED_AT_ONCE):
            await self._records.write([], [key for key, _ in known])

    async def written(self) -> None:
        self._begin_writing()
        while self._writing:
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter
        if self._unwritten or self._known:
            raise TryAgain("counts of sending are not stored yet")

    async def tidy(self, now: int) -> int:
        found = self._records.scan(_METER, _TIDIED_AT_ONCE, self._tidied)
        self._tidied = found[-1][0] if len(found) == _TIDIED_AT_ONCE else b""
        gone = [
            key
            for key, value in found
            if key not in self._unwritten and max(_decode(value), default=0) + LONGEST_SECONDS < now
        ]
        if gone:
            await self._records.write([], gone)
        return len(gone)

    def _counts(self, key: bytes) -> Counts:
        counts = self._unwritten.get(key)
        if counts is not None:
            return counts
        value = self._records.get(key)
        return {} if value is None else _decode(value)

    def _begin_writing(self) -> None:
        if not self._writing:
            self._writing = True
            Deferred.fromCoroutine(self._write_all())

    async def _write_all(self) -> None:
        """Until nothing is left; what the disk refuses stays in memory and goes with the next count."""
        try:
            while self._unwritten or self._known:
                await self._write_once()
        except TryAgain as error:
            _log.warn("counts of sending are not stored yet: {why}", why=str(error))
        except Exception:
            _log.failure("counts of sending are not stored")
        self._writing = False
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)

    async def _write_once(self) -> None:
        counts, known = dict(self._unwritten), dict(self._known)
        puts = [(key, _encode(each)) for key, each in counts.items() if each]
        puts += [(key, now.to_bytes(5)) for key, now in known.items()]
        await self._records.write(puts, [key for key, each in counts.items() if not each])
        for key, each in counts.items():
            if self._unwritten.get(key) is each:
                del self._unwritten[key]
        for key in known:
            self._known.pop(key, None)


def _meter_key(meter: Meter, subject: str) -> bytes:
    return _METER + meter.name.encode("ascii") + b"\0" + name_octets(subject)


def _oldest(meter: Meter, now: int) -> int:
    return now - now % meter.bucket_seconds - (meter.buckets - 1) * meter.bucket_seconds


def _sum(meter: Meter, counts: Counts, now: int) -> int:
    oldest = _oldest(meter, now)
    return sum(each for start, each in counts.items() if start >= oldest)
