"""A copy that will never be delivered: the sender is told, once.

Standing rules: the notification has the null reverse-path and answers no notification (RFC 5321 §4.5.5, RFC 3464 §2);
what cannot be told to its sender (none, or elsewhere) goes to the postmaster, so that no accepted mail vanishes.
"""

from twisted.logger import Logger

from mailserverd.delivery.local_transport import LocalTransport
from mailserverd.interfaces.pending_deliveries import PendingDelivery
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.telemetry.trace import Trace
from mailserverd.wire.dsn.notification import FailedRecipient, Notification, notification

_log = Logger()


class Bounces:
    def __init__(self, hostname: str, transport: LocalTransport, trace: Trace) -> None:
        self._hostname = hostname
        self._transport = transport
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
        told = await self._transport.deliver(report.sender, notification(report), copy.key + b"/b")
        if isinstance(told, Delivered):
            _log.warn("copy bounced", queue_id=queue_id, to=copy.recipient, why=outcome.why, sender=copy.reverse_path)
            self._trace.record("bounced", queue_id=queue_id, to=copy.recipient, why=f"{status} {outcome.why}")
        return told
