"""A copy that will never be delivered: the sender is told, once.

Standing rules: the notification has the null reverse-path and answers no notification (RFC 5321 §4.5.5, RFC 3464 §2);
what has no sender goes to the postmaster, so that no accepted mail vanishes.
"""

from typing import Protocol

from twisted.logger import Logger

from mailserverd.interfaces.pending_deliveries import PendingDelivery
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.telemetry.trace import Trace
from mailserverd.wire.dsn.notification import FailedRecipient, Notification, notification

_log = Logger()


class Notices(Protocol):
    """delivery/notices."""

    async def notify(self, address: str, message: bytes, key: str) -> Outcome: ...


class Bounces:
    def __init__(self, hostname: str, notices: Notices, trace: Trace) -> None:
        self._hostname = hostname
        self._notices = notices
        self._trace = trace

    async def bounce(self, copy: PendingDelivery, outcome: TryLater | Refused, now: int) -> Outcome:
        """Durable when it answers Delivered; the same copy again makes no second notification."""
        queue_id = copy.key.partition(b"/")[0].decode("ascii", "replace")
        status = "5.4.7" if isinstance(outcome, TryLater) else outcome.status  # RFC 3463 §3.5: delivery time expired
        report = Notification(
            hostname=self._hostname,
            sender=copy.reverse_path or f"postmaster@{self._hostname}",
            queue_id=queue_id,
            arrived=copy.accepted_at,
            now=now,
            unique=f"bounce.{copy.key.replace(b'/', b'.').decode('ascii', 'replace')}",
            recipients=(FailedRecipient(copy.recipient, status, outcome.why, now),),
            original=copy.message,
        )
        key = f"{copy.key.decode('ascii', 'replace')}/b"
        told = await self._notices.notify(report.sender, notification(report), key)
        if isinstance(told, Delivered):
            _log.warn("copy bounced", queue_id=queue_id, to=copy.recipient, why=outcome.why, sender=copy.reverse_path)
            self._trace.record("bounced", queue_id=queue_id, to=copy.recipient, why=f"{status} {outcome.why}")
        return told
