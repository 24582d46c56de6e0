"""Who asked to be told of a delivery (NOTIFY=SUCCESS) is told of the copies that were made here.

Standing rules: only after the copies are durable; never to the null sender; a receipt that cannot be sent costs a line
of the log, not the message (RFC 3461 §5.2.3).
"""

from typing import Protocol

from twisted.logger import Logger

from mailserverd.delivery.envelope import Envelope, Routed
from mailserverd.model.outcome import Delivered, Outcome
from mailserverd.wire.dsn.notification import FailedRecipient, Notification, notification

_log = Logger()


class Notices(Protocol):
    """delivery/notices."""

    async def notify(self, address: str, message: bytes, key: str) -> Outcome: ...


class Receipts:
    def __init__(self, hostname: str, notices: Notices) -> None:
        self._hostname = hostname
        self._notices = notices

    async def tell(self, envelope: Envelope, message: bytes, now: int) -> None:
        """Raises nothing. message: as delivered."""
        wanted = [each for each in envelope.recipients if each.accounts and "SUCCESS" in each.notify.split(",")]
        if not wanted or not envelope.reverse_path:
            return
        sender = envelope.reverse_path.decode("utf-8", "replace")
        unique = f"delivered.{envelope.queue_id}"
        report = Notification(
            hostname=self._hostname,
            sender=sender,
            queue_id=envelope.queue_id,
            arrived=now,
            now=now,
            unique=unique,
            recipients=[_delivered(each, now) for each in wanted],
            original=message,
            envid=envelope.options.envid,
        )
        told = await self._notices.notify(sender, notification(report), unique)
        if not isinstance(told, Delivered):
            _log.warn("sender cannot be told of a delivery", queue_id=envelope.queue_id, sender=sender, why=told.why)


def _delivered(routed: Routed, now: int) -> FailedRecipient:
    address = routed.address.decode("utf-8", "replace")
    return FailedRecipient(address, "2.1.5", "delivered to the mailbox", now, "delivered", original=routed.orcpt)
