"""Copies that failed after another copy of their message was committed: kept, tried again, bounced at last.

Standing rules: a record is durable before the message is answered and goes only after its copy or its bounce is
durable; every try uses the key of the first, so that a copy that got through unnoticed is not doubled.
"""

from collections.abc import Callable
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailserverd.config.schema import Delivery
from mailserverd.delivery.bounce import Bounces
from mailserverd.delivery.copies import Copies, label_of, outcome_of, reason_of, where_of
from mailserverd.delivery.envelope import Envelope
from mailserverd.delivery.queue_id import delivery_key
from mailserverd.interfaces.directory import Directory
from mailserverd.interfaces.pending_deliveries import PendingDeliveries, PendingDelivery
from mailserverd.model.account import Account
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace

POLL_SECONDS = 5.0
AT_ONCE = 20  # records read and tried in one round: a bound of memory

_log = Logger()


class Pending:
    """schedule: the [delivery] section, asked each time. clock: timers; seconds: the wall clock."""

    def __init__(
        self,
        records: PendingDeliveries,
        copies: Copies,
        directory: Directory,
        bounces: Bounces,
        schedule: Callable[[], Delivery],
        clock: IReactorTime,
        seconds: Callable[[], float],
        metrics: Metrics,
        trace: Trace,
    ) -> None:
        self._records = records
        self._copies = copies
        self._directory = directory
        self._bounces = bounces
        self._schedule = schedule
        self._clock = clock
        self._seconds = seconds
        self._metrics = metrics
        self._trace = trace
        self._call: IDelayedCall | None = None
        self._under_way = False
        self._waiting: list[Deferred[None]] = []
        self._stopped = True

    async def keep(
        self, envelope: Envelope, account: Account, outcome: TryLater | Refused, message: bytes, now: int
    ) -> None:
        """Take over a copy that failed. Raises StoreError when that cannot be made durable."""
        first = PendingDelivery(
            key=delivery_key(envelope.queue_id, account.account_id),
            recipient=account.address,
            reverse_path=envelope.reverse_path.decode("utf-8", "replace"),
            message=message,
            accepted_at=now,
            due_at=now + self._schedule().retry_seconds[0],
            attempts=1,
            last_error=reason_of(outcome),
            notify=_notify_of(envelope, account),
        )
        if isinstance(outcome, Refused) and await self._bounced(first, outcome, now):
            return
        await self._records.put(first)
        self._trace.record("kept", queue_id=envelope.queue_id, to=account.address, why=reason_of(outcome))

    # The rounds.

    def start(self) -> None:
        self._stopped = False
        self._call = self._clock.callLater(0, self._begin)

    async def stop(self) -> None:
        """Returns when the round under way, if any, is over."""
        self._stopped = True
        if self._call is not None and self._call.active():
            self._call.cancel()
        if self._under_way:
            over: Deferred[None] = Deferred()
            self._waiting.append(over)
            await over

    def _begin(self) -> None:
        self._under_way = True
        Deferred.fromCoroutine(self._turn())

    async def _turn(self) -> None:
        more = False
        try:
            more = await self.round()
        except Exception:
            _log.failure("pending deliveries put off")
        self._under_way = False
        if not self._stopped:
            self._call = self._clock.callLater(0 if more else POLL_SECONDS, self._begin)
        waiting, self._waiting = self._waiting, []
        for over in waiting:
            over.callback(None)

    async def round(self) -> bool:
        """Try what is due, at most AT_ONCE; whether there may be more."""
        due = await self._records.due(int(self._seconds()), AT_ONCE)
        for copy in due:
            if self._stopped:
                return False
            await self._try(copy)
        return len(due) == AT_ONCE

    async def _try(self, copy: PendingDelivery) -> None:
        queue_id = copy.key.partition(b"/")[0].decode("ascii", "replace")
        outcome = await self._attempt(copy, queue_id)
        now = int(self._seconds())
        self._metrics.deliveries["pending", label_of(outcome)].value += 1
        self._trace.record(
            label_of(outcome), queue_id=queue_id, to=copy.recipient, where=where_of(outcome), why=reason_of(outcome)
        )
        if isinstance(outcome, Delivered):
            _log.info("pending copy delivered", queue_id=queue_id, to=copy.recipient, attempts=copy.attempts + 1)
            await self._records.remove(copy.key)
            return
        too_old = now - copy.accepted_at >= self._schedule().retry_max_age_seconds
        if (isinstance(outcome, Refused) or too_old) and await self._bounced(copy, outcome, now):
            await self._records.remove(copy.key)
            return
        delays = self._schedule().retry_seconds
        delay = delays[min(copy.attempts, len(delays) - 1)]
        await self._records.put(
            replace(copy, due_at=now + delay, attempts=copy.attempts + 1, last_error=reason_of(outcome))
        )

    async def _bounced(self, copy: PendingDelivery, outcome: TryLater | Refused, now: int) -> bool:
        if copy.notify and "FAILURE" not in copy.notify.split(","):  # RFC 3461 §4.1: NEVER, or only of other things
            _log.warn("copy given up, and its sender wants no report", to=copy.recipient, why=reason_of(outcome))
            return True
        return isinstance(await self._bounces.bounce(copy, outcome, now), Delivered)

    async def _attempt(self, copy: PendingDelivery, queue_id: str) -> Outcome:
        try:
            account = await self._directory.account(copy.recipient)
            scanned = await self._copies.prepare(copy.message)
            return Delivered(await self._copies.deliver(account.account_id, scanned, copy.key, copy.accepted_at))
        except Exception as error:
            return outcome_of(error, queue_id)


def _notify_of(envelope: Envelope, account: Account) -> str:
    """What the sender asked for the recipient that led to the account; of several the one that asked for more."""
    asked = [each.notify for each in envelope.recipients if account in each.accounts]
    return "" if "" in asked or not asked else max(asked, key=len)
