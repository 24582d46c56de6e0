"""Reports that came back about mail that had left, said: a number, a line of the trail, a webhook.

Standing rule: told once a report, after it is on disk.
"""

from typing import Any

from mailserverd.queue.webhooks import EVENTS, Webhooks
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace


class ReportTelling:
    def __init__(self, metrics: Metrics, trace: Trace, webhooks: Webhooks) -> None:
        self._metrics = metrics
        self._trace = trace
        self._webhooks = webhooks

    async def __call__(self, what: str, facts: dict[str, Any]) -> None:
        """what: "bounced", "complained" or "unsubscribed"."""
        self._metrics.outbound_reports[what,].value += 1
        self._trace.record(
            what,
            queue_id=facts.get("queue_id", ""),
            message_id=facts.get("message_id", ""),
            to=facts["recipient"],
            why=facts.get("reply") or facts.get("reason", ""),
        )
        if what in EVENTS:
            await self._webhooks.tell(what, facts)
