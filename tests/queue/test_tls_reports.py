"""TLS reports: counted durably, sent once to who asks."""

import gzip
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from twisted.internet.task import Clock

from mailserverd.interfaces.mail_transport import Hop, TlsRule
from mailserverd.interfaces.resolver import TlsaRecord
from mailserverd.model.outcome import Delivered, Outcome, TryLater
from mailserverd.queue.https import RequestFailed
from mailserverd.queue.tls_counts import FLUSH_SECONDS, MAX_DETAILS, MAX_POLICIES, TlsCounts
from mailserverd.queue.tls_reports import AGAIN_SECONDS, MAX_AGE_SECONDS, SPREAD_SECONDS, ReportSender, TlsReports
from mailserverd.wire.mta_sts.policy import Mode, StsPolicy
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones
from tests.queue.records import MemoryRecords
from tests.queue.where import run

NOON = 1_800_100_800  # 12:00 UTC
DAY = 86400
STS = StsPolicy(Mode.TESTING, ("m.a.example",), DAY, ("version: STSv1", "mode: testing"))
BOTH = '_smtp._tls.a.example TXT "v=TLSRPTv1; rua=mailto:r@a.example,https://r.example/in"'


def hop(policy: str = "", tlsa: tuple[TlsaRecord, ...] = (), host: str = "m.a.example") -> Hop:
    return Hop("smtp", host, "192.0.2.2", 25, "here", "192.0.2.1", TlsRule(policy=policy, tlsa=tlsa))


class Places:
    """Notices and a web server. taken: whether they take reports."""

    def __init__(self) -> None:
        self.taken = True
        self.mails: list[tuple[str, bytes, str]] = []
        self.posts: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def notify(self, address: str, message: bytes, key: str) -> Outcome:
        self.mails.append((address, message, key))
        return Delivered("") if self.taken else TryLater("4.3.0", "no")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if not self.taken:
            raise RequestFailed("no")
        self.posts.append((url, body, headers))
        return 201


class House:
    def __init__(self, *lines: str) -> None:
        self.clock, self.records, self.places = Clock(), MemoryRecords(), Places()
        self.clock.advance(NOON)
        self.zones = Zones(*lines, ttl=1)
        self.wanted = True
        self.policies: dict[str, StsPolicy] = {"a.example": STS}
        self.restart()

    def restart(self) -> None:
        self.counts = TlsCounts(self.records, self.clock)
        self.reports = TlsReports(self.counts, self.policies.get, lambda: self.wanted, self.clock.seconds)
        resolver = ZoneResolver(self.zones, self.clock)
        contact = lambda: "postmaster@here.example"  # noqa: E731
        self.sender = ReportSender(
            self.counts,
            resolver,
            self.places,
            self.places,
            "here.example",
            contact,
            self.clock,
            self.clock.seconds,
            Random(3),
        )
        self.sender.start()

    def stop(self) -> None:
        run(self.sender.stop())

    def posted(self) -> list[Any]:
        return [json.loads(gzip.decompress(body)) for _, body, _ in self.places.posts]

    def tomorrow(self) -> None:
        """Until the morning's reports are out."""
        for _ in range(int((DAY / 2 + SPREAD_SECONDS) / 600) + 1):
            self.clock.advance(600)


def test_a_day_is_reported_once_by_mail_and_post() -> None:
    house = House(BOTH)
    house.reports.succeeded("a.example", hop("sts"))
    house.reports.failed("a.example", hop("sts"), "certificate-expired")
    house.reports.failed("a.example", hop("sts"), "certificate-expired")
    house.tomorrow()
    (report,) = house.posted()
    (policy,) = report["policies"]
    assert policy["policy"] == {
        "policy-type": "sts",
        "policy-string": list(STS.text),
        "policy-domain": "a.example",
        "mx-host": ["m.a.example"],
    }
    assert policy["summary"] == {"total-successful-session-count": 1, "total-failure-session-count": 2}
    assert [each["failed-session-count"] for each in policy["failure-details"]] == [2]
    assert report["date-range"]["start-datetime"] == "2027-01-16T00:00:00Z"
    assert [address for address, _, _ in house.places.mails] == ["r@a.example"]
    assert len(house.places.mails[0][2]) <= 64
    url, _, headers = house.places.posts[0]
    assert (url, headers) == ("https://r.example/in", {"Content-Type": "application/tlsrpt+gzip"})
    for _ in range(3):
        house.tomorrow()
    assert len(house.places.mails) == len(house.places.posts) == 1
    assert not house.records


def test_a_restart_loses_nothing_and_what_is_left_goes_out() -> None:
    house = House(BOTH)
    house.reports.succeeded("a.example", hop())
    house.stop()
    house.clock.advance(DAY)
    house.restart()
    house.reports.succeeded("a.example", hop())
    house.clock.advance(SPREAD_SECONDS)
    assert [each["date-range"]["start-datetime"][:10] for each in house.posted()] == ["2027-01-16"]
    house.tomorrow()
    assert [each["date-range"]["start-datetime"][:10] for each in house.posted()] == ["2027-01-16", "2027-01-17"]
    house.stop()
    assert house.clock.getDelayedCalls() == []


def test_counts_are_on_disk_soon_and_go_on_after_a_crash() -> None:
    house = House(BOTH)
    house.reports.succeeded("a.example", hop())
    house.clock.advance(FLUSH_SECONDS)
    house.restart()
    house.reports.succeeded("a.example", hop())
    house.tomorrow()
    assert house.posted()[0]["policies"][0]["summary"]["total-successful-session-count"] == 2


def test_the_policies_of_a_domain_stand_apart() -> None:
    house = House(BOTH)
    house.reports.succeeded("a.example", hop())
    house.reports.succeeded("a.example", hop("tlsa", (TlsaRecord(3, 1, 1, b"\xab"),)))
    house.reports.succeeded("a.example", hop("tlsa", (TlsaRecord(3, 1, 1, b"\xcd"),)))
    house.reports.sts_failed("a.example", "sts-policy-fetch-error")
    house.tomorrow()
    policies = [each["policy"] for each in house.posted()[0]["policies"]]
    assert [(each["policy-type"], each.get("policy-string")) for each in policies] == [
        ("no-policy-found", None),
        ("tlsa", ["3 1 1 ab"]),
        ("tlsa", ["3 1 1 cd"]),
        ("sts", list(STS.text)),
    ]


def test_an_exchanger_that_a_tested_policy_does_not_name_is_a_failure() -> None:
    house = House(BOTH)
    house.reports.succeeded("a.example", hop("sts", host="other.example"))
    house.reports.not_allowed("a.example", "evil.example")
    house.tomorrow()
    details = house.posted()[0]["policies"][0]["failure-details"]
    assert sorted((each["receiving-mx-hostname"], each["result-type"]) for each in details) == [
        ("evil.example", "validation-failure"),
        ("other.example", "validation-failure"),
    ]


def test_who_does_not_ask_gets_nothing_and_the_counts_go() -> None:
    house = House('_smtp._tls.b.example TXT "v=TLSRPTv1"')
    for domain in ("a.example", "b.example"):
        house.reports.succeeded(domain, hop())
    house.tomorrow()
    assert house.places.mails == house.places.posts == []
    assert not house.records


def test_switched_off_nothing_is_counted() -> None:
    house = House(BOTH)
    house.wanted = False
    house.reports.succeeded("a.example", hop("sts"))
    house.reports.sts_failed("a.example", "sts-policy-invalid")
    house.clock.advance(FLUSH_SECONDS)
    assert not house.records


def test_what_nobody_took_is_tried_again_until_it_is_too_old() -> None:
    house = House(BOTH)
    house.places.taken = False
    house.reports.succeeded("a.example", hop())
    house.tomorrow()
    tried = len(house.places.mails)
    assert tried >= 1
    house.clock.advance(AGAIN_SECONDS)
    assert len(house.places.mails) > tried
    assert len({key for _, _, key in house.places.mails}) == 1
    for _ in range(MAX_AGE_SECONDS // AGAIN_SECONDS):
        house.clock.advance(AGAIN_SECONDS)
    assert not house.records


def test_a_lookup_that_fails_is_made_again() -> None:
    house = House(BOTH, "b.example TXT x")
    house.zones.failing.add("_smtp._tls.a.example")
    house.reports.succeeded("a.example", hop())
    house.tomorrow()
    assert house.records
    house.zones.failing.clear()
    house.clock.advance(AGAIN_SECONDS)
    assert len(house.posted()) == 1
    assert not house.records


def test_a_full_disk_delays_the_count() -> None:
    house = House(BOTH)
    house.records.full = True
    house.reports.succeeded("a.example", hop())
    house.clock.advance(FLUSH_SECONDS)
    house.records.full = False
    house.clock.advance(FLUSH_SECONDS)
    assert len(house.records) == 1


def test_counts_are_bounded() -> None:
    house = House(BOTH)
    for number in range(2 * MAX_POLICIES):
        house.reports.succeeded("a.example", hop("tlsa", (TlsaRecord(3, 1, 1, bytes([number])),)))
    for number in range(2 * MAX_DETAILS):
        house.reports.failed("b.example", hop(host=f"m{number}.example"), "starttls-not-supported")
    policy = house.counts.policy("b.example", NOON, "no-policy-found", [], [])
    assert policy is not None
    assert policy.failures == 2 * MAX_DETAILS
    assert len(policy.result().details) == MAX_DETAILS
    house.stop()
    assert len(house.counts.finished(NOON + DAY)) == 2
    assert len(house.counts.finished(NOON + DAY)[0].policies) == MAX_POLICIES
