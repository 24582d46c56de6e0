"""What the engine did, said once to each who listens."""

from typing import Any

import pytest

from mailserverd.interfaces.mail_transport import Hop, HopFailed, Peer
from mailserverd.model.outcome import Delivered, Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State, Tried
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.parts import Attempt, NobodyTold
from mailserverd.queue.telling import MAX_REPLY, Telling
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace

ENTRY = QueueEntry("q1", "anna@example.org", None, "bulk", 1000, 2000, 5, message_id="m@x")
HOP = Hop("smtp", "mx.a.example", "127.0.0.1", 25, "mail.example.org")


class Hooks:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def wanted(self, what: str) -> bool:
        return what != "deferred"

    async def tell(self, what: str, facts: dict[str, Any]) -> None:
        self.events.append((what, facts))


class Other(NobodyTold):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def attempted(self, attempts: Any) -> None:
        self.heard += attempts


class Case:
    def __init__(self) -> None:
        self.metrics, self.trace, self.hooks, self.other = Metrics(), Trace(lambda: 1.0), Hooks(), Other()
        hooks: Any = self.hooks
        self.telling = Telling(self.metrics, self.trace, hooks, known_phrases(), ["google"], [self.other])


@pytest.fixture
def case() -> Case:
    return Case()


def attempt(kind: str, outcome: Any, code: int, reply: str, provider: str = "google") -> Attempt:
    recipient = QueuedRecipient(
        "q1", 0, "x@a.example", "a.example", State.DEFERRED, 1300, 2, getattr(outcome, "status", "2.0.0"), reply,
        history=(Tried(1010, "mx", "", reply),),
    )  # fmt: skip
    return Attempt(ENTRY, recipient, kind, outcome, code, reply, "mx[127.0.0.1]:25", provider, seconds=0.5)


def test_a_delivery_is_counted_trailed_and_posted(case: Case) -> None:
    made = attempt("delivered", Delivered(), 250, "2.0.0 queued as 1")
    case.telling.attempted([made])
    assert case.metrics.outbound_attempts["delivered", "google", ""].value == 1
    [event] = case.trace.take()
    assert (event["event"], event["queue_id"], event["to"]) == ("delivered", "q1", "x@a.example")
    [(what, facts)] = case.hooks.events
    assert what == "delivered"
    assert (facts["recipient"], facts["reply"], facts["message_id"]) == ("x@a.example", "2.0.0 queued as 1", "m@x")
    assert case.other.heard == [made]


def test_a_bounce_has_its_reason_and_a_strange_provider_no_label(case: Case) -> None:
    case.telling.attempted([attempt("failed", Refused("5.1.1", "no"), 550, "5.1.1 no such user", "evil.example")])
    assert case.metrics.outbound_attempts["failed", "other", "hard"].value == 1
    assert case.hooks.events[0][0] == "bounced"
    assert case.hooks.events[0][1]["reason"] == "hard"


def test_an_event_that_nobody_wants_is_not_made(case: Case) -> None:
    case.telling.attempted([attempt("deferred", TryLater("4.2.2", "full"), 452, "4.2.2 full")])
    assert case.hooks.events == []
    [event] = case.trace.take()
    assert event["next_attempt"] == 1300


def test_a_long_reply_is_cut(case: Case) -> None:
    case.telling.attempted([attempt("failed", Refused("5.0.0", "x"), 550, "x" * 10_000)])
    assert case.trace.take()[0]["why"] == "x" * MAX_REPLY


def test_connections_by_their_tls(case: Case) -> None:
    for peer, result in (
        (Peer("w", "TLSv1.3", True), "verified"),
        (Peer("w", "TLSv1.3"), "unverified"),
        (Peer("w"), "none"),
    ):
        case.telling.connected("google", HOP, peer)
        assert case.metrics.outbound_connections["google", result].value == 1
    case.telling.connection_failed("google", HOP, HopFailed("greeting", TryLater("4.4.2", "timeout")))
    assert case.metrics.outbound_connections["google", "failed_greeting"].value == 1
