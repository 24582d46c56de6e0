"""An attempt is over: its recipients are settled, its sender is told, whoever listens hears of it.

Standing rules: a failure is told before it is settled, so that a crash in between repeats the attempt and not the
report (its key is known); a delivery is settled first, for nothing may be sent twice; what cannot be stored now is
stored later, and stays claimed until then.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.model.errors import StoreError
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.bounce import Bounces
from mailserverd.queue.parts import Attempt, Told
from mailserverd.queue.settlement import Met, after, delay_is_due, schedule_of, stopped

AGAIN_SECONDS = 5
_KINDS = {
    State.DEFERRED: "deferred",
    State.FAILED: "failed",
    State.EXPIRED: "expired",
    State.SUPPRESSED: "suppressed",
}

_log = Logger()


class Resolution:
    """seconds: the wall clock. random: from 0 to 1."""

    def __init__(
        self,
        store: QueueStore,
        bounces: Bounces,
        told: Told,
        settings: Callable[[], Outbound],
        clock: IReactorTime,
        seconds: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._store, self._bounces, self._told = store, bounces, told
        self._settings, self._clock, self._seconds, self._random = settings, clock, seconds, random

    async def attempted(
        self,
        entry: QueueEntry,
        met: Sequence[tuple[QueuedRecipient, Met]],
        provider: str = "",
        source: str = "",
        tls: str = "",
        took: float = 0.0,
    ) -> None:
        """Store what became of these recipients of one entry, and tell it."""
        now = int(self._seconds())
        schedule = schedule_of(entry, self._settings())
        pairs = [(after(entry, recipient, each, now, schedule, self._random), each) for recipient, each in met]
        await self._resolve(entry, pairs, now, (provider, source, tls, took))

    async def ended(
        self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], state: State, status: str, why: str
    ) -> None:
        """Without an attempt."""
        now = int(self._seconds())
        met = Met(Refused(status, why), 0, why)
        pairs = [(stopped(each, state, status, why, now), met) for each in recipients]
        await self._resolve(entry, pairs, now, ("", "", "", 0.0))

    async def put_off(self, recipients: Sequence[QueuedRecipient]) -> None:
        """No attempt was made; they say until when."""
        await self._settle(recipients)

    async def _resolve(
        self,
        entry: QueueEntry,
        pairs: Sequence[tuple[QueuedRecipient, Met]],
        now: int,
        where: tuple[str, str, str, float],
    ) -> None:
        plain = all(recipient.state is State.DELIVERED and not met.relayed for recipient, met in pairs)
        if not plain:
            pairs = await self._tell_failures(entry, pairs, now)
        await self._settle([recipient for recipient, _ in pairs])
        self._told.attempted(
            [
                Attempt(entry, recipient, _kind(recipient, met), met.outcome, met.code, met.reply, met.where, *where)
                for recipient, met in pairs
            ]
        )
        relayed = [each for each in pairs if each[1].relayed and each[0].state is State.DELIVERED]
        if relayed:
            await self._bounces.tell("relayed", entry, relayed, await self._original(entry), now)

    async def _tell_failures(
        self, entry: QueueEntry, pairs: Sequence[tuple[QueuedRecipient, Met]], now: int
    ) -> Sequence[tuple[QueuedRecipient, Met]]:
        """Where a report cannot be stored, nothing is final yet."""
        failed = [each for each in pairs if each[0].state in (State.FAILED, State.EXPIRED, State.SUPPRESSED)]
        warning = self._settings().delay_warning_seconds
        late = [each for each in pairs if delay_is_due(entry, each[0], now, warning)]
        original = await self._original(entry) if failed or late else b""
        changed = {each[0].position: each for each in pairs}
        if failed and not await self._bounces.tell("failed", entry, failed, original, now):
            wait = max(self._settings().retry_seconds[0], 1)
            for recipient, met in failed:
                again = replace(recipient, state=State.DEFERRED, next_attempt=now + wait, finished=0)
                changed[recipient.position] = (again, met)
        if late and await self._bounces.tell("delayed", entry, late, original, now):
            for recipient, met in late:
                changed[recipient.position] = (replace(recipient, told_delay=True), met)
        return list(changed.values())

    async def _original(self, entry: QueueEntry) -> bytes:
        if not entry.sender:
            return b""
        try:
            return await self._store.body(entry.queue_id)
        except StoreError as error:
            _log.warn("the message of a report cannot be read", queue_id=entry.queue_id, why=str(error))
            return b""

    async def _settle(self, recipients: Sequence[QueuedRecipient]) -> None:
        while True:
            try:
                await self._store.settle(recipients)
                return
            except StoreError as error:
                _log.error(
                    "what became of a message cannot be stored; tried again", queue_id=recipients[0].queue_id,
                    why=str(error),
                )  # fmt: skip
            pause: Deferred[None] = Deferred()
            self._clock.callLater(AGAIN_SECONDS, pause.callback, None)
            await pause


def _kind(recipient: QueuedRecipient, met: Met) -> str:
    if recipient.state is State.DELIVERED:
        return "relayed" if met.relayed else "delivered"
    return _KINDS[recipient.state]


def failure_of(outcome: TryLater | Refused, code: int = 0, reply: str = "", where: str = "", peer: str = "") -> Met:
    return Met(outcome, code, reply or outcome.why, where, False, peer)
