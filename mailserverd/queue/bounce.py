"""Reports to the sender: it failed, it is late, it was handed on.

Standing rules: one report for those recipients of a message that share a fate at one time; it goes with the null
reverse-path and is durable before the failure is settled, under a key that makes the same report once; a notification
is never answered (RFC 5321 §6.1), and nobody is told who asked not to be (NOTIFY, RFC 3461 §4.1).
"""

from collections.abc import Callable, Sequence

from twisted.logger import Logger

from mailserverd.model.outcome import Delivered, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.parts import Notices
from mailserverd.queue.settlement import Met, wants
from mailserverd.wire.dsn.notification import FailedRecipient, Notification, notification

EXPIRED_STATUS = "5.4.7"  # RFC 3463 §3.5: delivery time expired

_log = Logger()


class Bounces:
    def __init__(self, hostname: Callable[[], str], notices: Notices) -> None:
        self._hostname = hostname
        self._notices = notices

    async def tell(
        self, action: str, entry: QueueEntry, met: Sequence[tuple[QueuedRecipient, Met]], original: bytes, now: int
    ) -> bool:
        """action: "failed", "delayed" or "relayed". False: it could not be told now."""
        what = {"failed": "FAILURE", "delayed": "DELAY", "relayed": "SUCCESS"}[action]
        told = [_told(entry, recipient, each, action, now) for recipient, each in met if wants(entry, recipient, what)]
        if not told:
            return True
        first = met[0][0]
        unique = f"{action}.{entry.queue_id}.{first.position}.{first.attempts}"
        report = Notification(
            hostname=self._hostname(),
            sender=entry.sender,
            queue_id=entry.queue_id,
            arrived=entry.created,
            now=now,
            unique=unique,
            recipients=told,
            original=original,
            envid=entry.envid,
            whole=entry.ret == "FULL",
        )
        outcome = await self._notices.notify(entry.sender, notification(report), unique)
        if isinstance(outcome, Delivered):
            _log.info("sender told: {action}", action=action, queue_id=entry.queue_id, sender=entry.sender)
            return True
        _log.warn(
            "sender cannot be told: {action}", action=action, queue_id=entry.queue_id, sender=entry.sender,
            why=outcome.why,
        )  # fmt: skip
        return not isinstance(outcome, TryLater)


def _told(entry: QueueEntry, recipient: QueuedRecipient, met: Met, action: str, now: int) -> FailedRecipient:
    status, why = recipient.last_status, met.reply
    if recipient.state is State.EXPIRED:
        status = EXPIRED_STATUS
        if not met.code:
            why = f"it could not be delivered in time; last: {met.reply}"
    return FailedRecipient(
        recipient.address,
        status,
        " ".join(why.split()),
        now,
        action,
        smtp_reply=bool(met.code),
        remote=met.peer if met.code else "",
        original=recipient.orcpt,
        retry_until=entry.expires if action == "delayed" else 0,
    )
