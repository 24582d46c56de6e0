"""What is done for reputation from time to time, and what is shown of it."""

from typing import Any

import pytest
from twisted.internet.task import Clock

from mailserverd.config.outbound import MailClass, Outbound, Pool
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import TryLater
from mailserverd.model.reputation import Reason, SentMessage, Suppression, Suspension
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.pools import Pools
from mailserverd.queue.provider_limits import Bounds, ProviderLimits
from mailserverd.queue.providers import known_providers
from mailserverd.queue.report_telling import ReportTelling
from mailserverd.queue.reputation_upkeep import SENT_KEPT_SECONDS, TIDIED_EVERY_SECONDS, Upkeep
from mailserverd.queue.suspension import RECIPIENTS, Suspensions, SuspensionSettings
from mailserverd.queue.warm_up import WarmUps
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace
from tests.queue.reputation_double import Stores, run
from tests.queue.test_suspension import Telling

START = 1_800_000_000
OUTBOUND = Outbound(
    pools={"p": Pool(addresses=("192.0.2.1",), warm_up_addresses=("192.0.2.1",), warm_up_per_day=(10,))},
    classes={"bulk": MailClass(pool="p")},
)


class Kept:
    def __init__(self) -> None:
        self.clock, self.stores, self.metrics, self.telling = Clock(), Stores(), Metrics(), Telling()
        store, counts, sent = self.stores.reputation, self.stores.counts, self.stores.sent
        self.suspensions = Suspensions(store, counts, lambda: SuspensionSettings(1, 1, 1), self.telling)
        self.sources = Pools(store, lambda: OUTBOUND, WarmUps(store))
        self.limits = ProviderLimits(
            known_providers(), known_phrases(), lambda: Bounds(10, 500), self.now, self.sources.blocked
        )
        stores = store, counts, sent
        self.upkeep = Upkeep(
            self.suspensions, self.sources, self.limits, stores, lambda: OUTBOUND, self.metrics, self.clock, self.now
        )

    def now(self) -> float:
        return START + self.clock.seconds()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_what_has_expired_goes_and_what_nobody_knows_of_is_told(kept: Kept) -> None:
    store, sent = kept.stores.reputation, kept.stores.sent
    run(store.put_suppression(Suppression("a@x.example", Reason.HARD_BOUNCE, 0, START + 5)))
    run(store.put_suspension(Suspension(AccountId(1), 0, "spam", "admin")))
    for number, created in enumerate((START - SENT_KEPT_SECONDS - 1, START)):
        message = SentMessage(f"q{number}", AccountId(1), "anna@example.org", "", "", created, 1)
        run(sent.record(message, ["a@x.example"]))
    run(kept.upkeep.start())
    assert kept.telling.told == ["spam"]
    assert run(sent.sent("q0")) is None
    assert run(sent.sent("q1")) is not None
    assert run(store.suppressions("", 9))[0] != []
    kept.clock.advance(TIDIED_EVERY_SECONDS)
    assert run(store.suppressions("", 9))[0] == []
    assert kept.telling.told == ["spam"]
    run(kept.upkeep.stop())
    assert not kept.clock.getDelayedCalls()


def test_a_store_that_fails_is_tried_again_later(kept: Kept) -> None:
    run(kept.stores.reputation.put_suppression(Suppression("a@x.example", Reason.HARD_BOUNCE, 0, 1)))
    kept.stores.records.full = True
    run(kept.upkeep.start())
    kept.stores.records.full = False
    kept.clock.advance(TIDIED_EVERY_SECONDS)
    assert run(kept.stores.reputation.suppressions("", 9))[0] == []
    run(kept.upkeep.stop())


def test_what_was_counted_is_stored_at_the_end(kept: Kept) -> None:
    run(kept.upkeep.start())
    kept.stores.records.full = True
    run(kept.stores.counts.add(RECIPIENTS, "1", 3, START))
    kept.stores.records.full = False
    run(kept.upkeep.stop())
    assert run(kept.stores.again().counts.total(RECIPIENTS, "1", START)) == 3


def test_numbers(kept: Kept) -> None:
    kept.sources.pick("bulk", "google", 4, START)
    kept.sources.blocked("192.0.2.1", "google", True, "554", START)
    kept.sources.blocked("192.0.2.1", "small.example", True, "554", START)
    kept.limits.failed("google", "", TryLater("4.7.0", ""), 421, "421 4.7.0 slow down", START)
    kept.limits.failed("small.example", "", TryLater("4.7.0", ""), 421, "421 4.7.0 slow down", START)
    run(kept.upkeep.start())
    shown = {what: kept.metrics.outbound_warm_up["192.0.2.1", what].value for what in ("day", "sent", "allowed")}
    assert shown == {"day": 0, "sent": 4, "allowed": 10}
    assert {labels: each.value for labels, each in kept.metrics.outbound_rests.items()} == {
        ("google",): 1,
        ("other",): 1,
    }
    assert {labels: each.value for labels, each in kept.metrics.outbound_limit.items()} == {("google",): 2}
    kept.clock.advance(86_400)
    assert dict(kept.metrics.outbound_rests) == {}
    assert kept.metrics.outbound_warm_up["192.0.2.1", "allowed"].value == -1, "it is warm"
    run(kept.upkeep.stop())


def test_a_report_is_told_once_everywhere() -> None:
    metrics, trace, told = Metrics(), Trace(lambda: 0.0), []
    trace.enabled = True

    class Hooks:
        async def tell(self, what: str, facts: dict[str, Any]) -> None:
            told.append(what)

    telling = ReportTelling(metrics, trace, Hooks())  # type: ignore[arg-type]
    run(telling("complained", {"queue_id": "q1", "recipient": "a@x.example", "reason": "abuse"}))
    run(telling("unsubscribed", {"recipient": "a@x.example"}))
    assert told == ["complained"]
    assert metrics.outbound_reports["complained",].value == metrics.outbound_reports["unsubscribed",].value == 1
    events = trace.take()
    assert [(each["event"], each["to"]) for each in events] == [
        ("complained", "a@x.example"),
        ("unsubscribed", "a@x.example"),
    ]
