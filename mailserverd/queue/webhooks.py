"""Webhooks: URLs that are told what became of mail.

Standing rules: an event is durable before it is posted and goes when the URL answered 2xx, or is a day old; each post
is signed over its time and body; one post at a time a URL, so that a slow one holds up no other; what waits is
bounded, the oldest goes first; a secret is read from its file and never told.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.config.outbound import Webhook
from mailserverd.model.errors import StoreError

MAX_AGE_SECONDS = 86_400
MAX_WAITING = 10_000  # events in all
RETRY_SECONDS = (5, 30, 120, 600, 1800)
EVENTS = ("delivered", "deferred", "bounced", "complained")
_PREFIX = b"Wh"

_log = Logger()


class Event(msgspec.Struct, frozen=True):
    """One thing to tell one URL. body: the JSON as it is posted. due_at, created: epoch seconds."""

    url: str
    body: bytes
    created: int
    due_at: int
    attempts: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)
_json = msgspec.json.Encoder()


class Post(Protocol):
    """Posts octets over HTTP."""

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status code. Raises OSError, with a reason, when there was no answer."""
        ...


class EventRecords(Protocol):
    """Durable records by key (backends/lmdb/record_access)."""

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]: ...

    async def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes] = ...) -> None: ...


class Webhooks:
    """settings: [[outbound.webhooks]], asked each time. clock: timers; seconds: the wall clock."""

    def __init__(
        self,
        records: EventRecords,
        post: Post,
        settings: Callable[[], tuple[Webhook, ...]],
        clock: IReactorTime,
        seconds: Callable[[], float],
    ) -> None:
        self._records = records
        self._post = post
        self._settings = settings
        self._clock = clock
        self._seconds = seconds
        self._waiting: dict[bytes, Event] = {}
        self._busy: set[str] = set()
        self._call: IDelayedCall | None = None
        self._stopped = True
        self._numbers = count()

    def start(self) -> None:
        """What was not told before the last end is told now."""
        self._stopped = False
        for key, value in self._records.scan(_PREFIX):
            self._waiting[key] = _decoder.decode(value)
        self._work()

    def stop(self) -> None:
        self._stopped = True
        if self._call is not None and self._call.active():
            self._call.cancel()

    def wanted(self, what: str) -> bool:
        """Whether anybody is to be told of such an event."""
        return any(what in hook.events for hook in self._settings())

    async def tell(self, what: str, facts: dict[str, Any]) -> None:
        """what: one of EVENTS. Durable when it returns; a store that fails costs the event and a line of the log."""
        wanted = [hook for hook in self._settings() if what in hook.events]
        if not wanted:
            return
        now = int(self._seconds())
        body = _json.encode({"event": what, "at": now, **facts})
        puts = [(self._new_key(), Event(hook.url, body, now, now)) for hook in wanted]
        gone = list(self._waiting)[: max(0, len(self._waiting) + len(puts) - MAX_WAITING)]
        try:
            await self._records.write([(key, _encoder.encode(event)) for key, event in puts], gone)
        except StoreError as error:
            _log.error("a webhook event is lost", event=what, why=str(error))
            return
        for key in gone:
            self._waiting.pop(key, None)
        if gone:
            _log.warn("too many webhook events wait: the oldest are given up", events=len(gone))
        self._waiting.update(puts)
        self._work()

    def _new_key(self) -> bytes:
        """By time, then by order: never used twice, also across a restart within the same second."""
        return b"%b%016x%08x" % (_PREFIX, int(self._seconds() * 1_000_000), next(self._numbers) & 0xFFFFFFFF)

    def _work(self) -> None:
        """Post the oldest due event of each URL that is not being posted to, then wait for the next."""
        if self._stopped:
            return
        now = self._seconds()
        next_due: float | None = None
        for key, event in list(self._waiting.items()):
            if event.url in self._busy:
                continue
            if event.due_at <= now:
                self._busy.add(event.url)
                Deferred.fromCoroutine(self._try(key, event))
            elif next_due is None or event.due_at < next_due:
                next_due = event.due_at
        if self._call is not None and self._call.active():
            self._call.cancel()
        if next_due is not None:
            self._call = self._clock.callLater(max(0.0, next_due - now), self._work)

    async def _try(self, key: bytes, event: Event) -> None:
        try:
            why = await self._posted(event)
            if why is None:
                await self._forget(key)
            else:
                await self._put_off(key, event, why)
        except Exception:
            _log.failure("a webhook could not be worked on")
        finally:
            self._busy.discard(event.url)
            self._clock.callLater(0, self._work)

    async def _posted(self, event: Event) -> str | None:
        """Why not, or None."""
        hook = next((each for each in self._settings() if each.url == event.url), None)
        if hook is None:
            return None  # it is in the configuration no more
        try:
            secret = _secret_of(hook.secret_file)
            at = int(self._seconds())
            headers = {"Content-Type": "application/json", "X-Mailserverd-Signature": signature(secret, at, event.body)}
            status = await self._post(event.url, event.body, headers)
        except OSError as error:
            return str(error) or type(error).__name__
        return None if 200 <= status < 300 else f"HTTP status {status}"

    async def _forget(self, key: bytes) -> None:
        self._waiting.pop(key, None)
        await self._records.write([], [key])

    async def _put_off(self, key: bytes, event: Event, why: str) -> None:
        now = int(self._seconds())
        if now - event.created >= MAX_AGE_SECONDS:
            _log.warn("a webhook event was not taken for a day and is given up", url=event.url, why=why)
            await self._forget(key)
            return
        wait = RETRY_SECONDS[min(event.attempts, len(RETRY_SECONDS) - 1)]
        _log.info("a webhook is tried again", url=event.url, why=why, seconds=wait)
        later = msgspec.structs.replace(event, due_at=now + wait, attempts=event.attempts + 1)
        self._waiting[key] = later
        await self._records.write([(key, _encoder.encode(later))])


def signature(secret: bytes, at: int, body: bytes) -> str:
    """ "t=SECONDS,v1=HEX": HMAC-SHA-256 of "SECONDS." and the body. The receiver checks both, and how old it is."""
    return f"t={at},v1={hmac.new(secret, b'%d.' % at + body, sha256).hexdigest()}"


def _secret_of(path: Path) -> bytes:
    """The first line of the file. Raises OSError."""
    secret = path.read_bytes().split(b"\n", 1)[0].strip()
    if not secret:
        raise OSError(f"{path} is empty")
    return secret
