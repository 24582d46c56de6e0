"""Sessions counted for TLS reports: by day (UTC), domain and policy.

    Tr <day, 8 digits> <domain>   the policies of one domain on one day and what came of them, in msgpack

Standing rules: a count is in memory at once and on disk within FLUSH_SECONDS; what is counted is bounded, domains a day
and details a domain, and what is beyond has its sessions counted and no detail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.model.errors import StoreError
from mailserverd.wire.tls_report.report import FailureDetail, PolicyResult

_PREFIX = b"Tr"
FLUSH_SECONDS = 5
DAY_SECONDS = 86400
MAX_DOMAINS = 20_000
MAX_POLICIES = 10
MAX_DETAILS = 100

_log = Logger()


class Records(Protocol):
    """Durable records by key (backends/lmdb/record_access)."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, prefix: bytes, limit: int) -> Sequence[tuple[bytes, bytes]]: ...

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None: ...


class Policy(msgspec.Struct, array_like=True):
    """kind and text name it. details: (reason, sending ip, receiving host, receiving ip) and sessions."""

    kind: str
    text: list[str]
    mx: list[str]
    successes: int = 0
    failures: int = 0
    details: dict[str, int] = {}

    def failed(self, reason: str, sending_ip: str, host: str, receiving_ip: str) -> None:
        self.failures += 1
        key = "\t".join((reason, sending_ip, host, receiving_ip))
        if key in self.details or len(self.details) < MAX_DETAILS:
            self.details[key] = self.details.get(key, 0) + 1

    def result(self) -> PolicyResult:
        details = [_detail(key, sessions) for key, sessions in sorted(self.details.items())]
        return PolicyResult(self.kind, self.text, self.mx, self.successes, self.failures, details)


def _detail(key: str, sessions: int) -> FailureDetail:
    reason, sending_ip, host, receiving_ip = (*key.split("\t"), "", "", "")[:4]
    return FailureDetail(reason, sending_ip, host, receiving_ip, sessions)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Policy])


class Day:
    """Of one domain. key: of its record."""

    __slots__ = ("domain", "key", "policies", "start")

    def __init__(self, key: bytes, policies: list[Policy]) -> None:
        self.key = key
        self.start, self.domain = _parsed(key)
        self.policies = policies


class TlsCounts:
    def __init__(self, records: Records, clock: IReactorTime) -> None:
        self._records = records
        self._clock = clock
        self._days: dict[bytes, list[Policy]] = {}
        self._dirty: set[bytes] = set()
        self._call: IDelayedCall | None = None

    def policy(self, domain: str, now: float, kind: str, text: Sequence[str], mx: Sequence[str]) -> Policy | None:
        """Where sessions are counted; None: no more fit. Whatever is counted there is stored soon."""
        key = key_of(domain, now)
        policies = self._days.get(key)
        if policies is None:
            if len(self._days) >= MAX_DOMAINS:
                return None
            policies = self._days[key] = _read(self._records.get(key))
        self._soon(key)
        for each in policies:
            if each.kind == kind and each.text == list(text):
                return each
        if len(policies) >= MAX_POLICIES:
            return None
        policies.append(Policy(kind, list(text), list(mx)))
        return policies[-1]

    def _soon(self, key: bytes) -> None:
        self._dirty.add(key)
        if self._call is None:
            self._call = self._clock.callLater(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._call = None
        Deferred.fromCoroutine(self.flush()).addErrback(
            lambda failure: _log.failure("counts for TLS reports were not stored", failure)
        )

    async def flush(self) -> None:
        """What was counted is on disk when it returns. Raises nothing of the store's."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
        dirty, self._dirty = self._dirty, set()
        puts = [(key, _encoder.encode(self._days[key])) for key in dirty if key in self._days]
        if not puts:
            return
        try:
            await self._records.write(puts)
        except StoreError as error:
            _log.warn("counts for TLS reports are not stored yet", why=str(error))
            for key in dirty:
                self._soon(key)

    def finished(self, now: float) -> list[Day]:
        """Days that are over, of any domain, oldest first, as they are on disk."""
        today = key_of("", now)
        found = []
        for key, value in self._records.scan(_PREFIX, 2 * MAX_DOMAINS):
            if key >= today:
                break
            if key not in self._dirty:
                self._days.pop(key, None)
                found.append(Day(key, _read(value)))
        return found

    async def remove(self, days: Sequence[Day]) -> None:
        """Raises StoreError."""
        await self._records.write([], [each.key for each in days])
        for each in days:
            self._days.pop(each.key, None)
            self._dirty.discard(each.key)


def key_of(domain: str, now: float) -> bytes:
    return _PREFIX + datetime.fromtimestamp(now, UTC).strftime("%Y%m%d").encode() + domain.encode("ascii", "replace")


def _parsed(key: bytes) -> tuple[int, str]:
    text = key[len(_PREFIX) :].decode("ascii")
    return int(datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=UTC).timestamp()), text[8:]


def _read(value: bytes | None) -> list[Policy]:
    """A record that cannot be read is lost."""
    if value is None:
        return []
    try:
        return _decoder.decode(value)
    except msgspec.DecodeError:
        return []
