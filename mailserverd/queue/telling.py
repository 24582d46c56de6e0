"""What the engine did, said: a line of the log and of the trail an attempt, numbers, webhooks, reputation.

Standing rules: called after it is on disk; nothing here holds the engine up or fails it; labels of metrics come from
closed sets, so a provider that we have no name for is "other"; a peer's text is cut before it is logged.
"""

from collections.abc import Collection, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.interfaces.mail_transport import Hop, HopFailed, Peer
from mailserverd.queue.classification import Classifier
from mailserverd.queue.parts import Attempt, Told
from mailserverd.queue.webhooks import Webhooks
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace

MAX_REPLY = 500
_WEBHOOK_OF = {
    "delivered": "delivered",
    "relayed": "delivered",
    "deferred": "deferred",
    "failed": "bounced",
    "expired": "bounced",
    "suppressed": "bounced",
}

_log = Logger()


class Telling:
    """providers: those that have a label of their own. others: who else is told, such as reputation."""

    def __init__(
        self,
        metrics: Metrics,
        trace: Trace,
        webhooks: Webhooks,
        classifier: Classifier,
        providers: Collection[str],
        others: Sequence[Told] = (),
    ) -> None:
        self._metrics = metrics
        self._trace = trace
        self._webhooks = webhooks
        self._classifier = classifier
        self._providers = frozenset(providers)
        self._others = others

    def attempted(self, attempts: Sequence[Attempt]) -> None:
        for each in attempts:
            self._one(each)
        for other in self._others:
            other.attempted(attempts)

    def connected(self, provider: str, hop: Hop, peer: Peer) -> None:
        tls = "verified" if peer.verified else "unverified" if peer.tls else "none"
        self._metrics.outbound_connections[self._label(provider), tls].value += 1
        for other in self._others:
            other.connected(provider, hop, peer)

    def connection_failed(self, provider: str, hop: Hop, error: HopFailed) -> None:
        self._metrics.outbound_connections[self._label(provider), f"failed_{error.stage}"].value += 1
        _log.info(
            "no session with a server",
            host=hop.host,
            address=hop.address,
            port=hop.port,
            stage=error.stage,
            code=error.code,
            why=(error.reply or error.outcome.why)[:MAX_REPLY],
        )
        for other in self._others:
            other.connection_failed(provider, hop, error)

    def _one(self, attempt: Attempt) -> None:
        entry, recipient = attempt.entry, attempt.recipient
        reply = attempt.reply[:MAX_REPLY]
        reason = self._reason(attempt)
        self._metrics.outbound_attempts[attempt.kind, self._label(attempt.provider), reason].value += 1
        if attempt.seconds:
            self._metrics.outbound_seconds.of().observe(attempt.seconds)
        self._trace.record(
            attempt.kind,
            queue_id=entry.queue_id,
            to=recipient.address,
            where=attempt.where,
            why=reply,
            status=recipient.last_status,
            attempts=recipient.attempts,
            next_attempt=recipient.next_attempt if attempt.kind == "deferred" else None,
        )
        _log.info(
            "attempt",
            kind=attempt.kind,
            queue_id=entry.queue_id,
            sender=entry.sender,
            to=recipient.address,
            where=attempt.where,
            status=recipient.last_status,
            reply=reply,
            attempts=recipient.attempts,
            source=attempt.source,
            tls=attempt.tls,
            age=max(0, recipient.history[-1].at - entry.created) if recipient.history else 0,
        )
        self._webhook(attempt, reason, reply)

    def _webhook(self, attempt: Attempt, reason: str, reply: str) -> None:
        what = _WEBHOOK_OF[attempt.kind]
        if not self._webhooks.wanted(what):
            return
        entry, recipient = attempt.entry, attempt.recipient
        facts = {
            "queue_id": entry.queue_id,
            "message_id": entry.message_id,
            "sender": entry.sender,
            "recipient": recipient.address,
            "class": entry.mail_class,
            "kind": attempt.kind,
            "reason": reason,
            "code": attempt.code,
            "status": recipient.last_status,
            "reply": reply,
            "attempts": recipient.attempts,
            "next_attempt": recipient.next_attempt if attempt.kind == "deferred" else None,
        }
        Deferred.fromCoroutine(self._webhooks.tell(what, facts)).addErrback(
            lambda failure: _log.failure("a webhook event failed", failure)
        )

    def _reason(self, attempt: Attempt) -> str:
        if attempt.kind in ("delivered", "relayed"):
            return ""
        return self._classifier.classify(attempt.code, attempt.recipient.last_status, attempt.reply).kind

    def _label(self, provider: str) -> str:
        return provider if provider in self._providers else "other"
