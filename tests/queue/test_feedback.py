"""Reports that come back: matched to what was sent, counted once, believed of nothing else."""

from typing import Any

import pytest

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.model.reputation import Reason, SentMessage
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.feedback import Feedback, is_report, subject_of
from mailserverd.queue.matching import Matching
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import BOUNCES, COMPLAINTS, Suspensions, SuspensionSettings
from mailserverd.queue.unsubscribe import Unsubscribe
from mailserverd.queue.verp import ReturnPaths
from tests.queue.reputation_double import Stores, run
from tests.queue.test_suspension import Telling
from tests.wire.arf.test_feedback import REPORT
from tests.wire.dsn.test_incoming import POSTFIX

ANNA = AccountId(1)
OUTBOUND = Outbound(classes={"bulk": MailClass(verp=True, unsubscribe=True)})
ENTRY = QueueEntry("000q1", "anna@example.org", ANNA, "bulk", 0, 1_000, 10, "id1@example.org")
BOB, EVE = "bob@elsewhere.example", "eve@elsewhere.example"


class House:
    """Everything that feedback needs, and one message that was sent to Bob and Eve."""

    def __init__(self, recipients: tuple[str, ...] = (BOB, EVE)) -> None:
        self.stores = Stores()
        self.told: list[tuple[str, dict[str, Any]]] = []
        is_local = lambda domain: domain == "example.org"  # noqa: E731
        self.paths = ReturnPaths(b"v" * 32, lambda: OUTBOUND, is_local)
        self.unsubscribe = Unsubscribe(b"u" * 32, lambda: OUTBOUND, is_local, lambda: "")
        self.suppression = SuppressionList(self.stores.reputation, lambda: SuppressionSettings(5, 180), is_local)
        self.suspensions = Suspensions(
            self.stores.reputation, self.stores.counts, lambda: SuspensionSettings(100, 10.0, 0.3), Telling()
        )
        self.feedback = Feedback(
            Matching(self.stores.sent, self.paths.place),
            self.unsubscribe,
            self.suppression,
            self.suspensions,
            known_phrases(),
            self.tell,
        )
        sent = SentMessage("000q1", ANNA, "anna@example.org", "bulk", "id1@example.org", 0, len(recipients), "000q1")
        run(self.stores.sent.record(sent, recipients))

    async def tell(self, what: str, facts: dict[str, Any]) -> None:
        self.told.append((what, facts))

    def path(self, position: int) -> str:
        recipient = QueuedRecipient("000q1", position, "", "", State.DELIVERED, 0)
        return self.paths.path(ENTRY, recipient)

    def read(self, message: bytes, *to: str, reverse_path: str = "") -> None:
        run(self.feedback.read(to or ("anna@example.org",), reverse_path, message, 10))

    def reasons(self) -> dict[str, Reason]:
        page, _ = run(self.suppression.page("", 100))
        return {each.address: each.reason for each in page}

    def count(self, meter: Any) -> int:
        return run(self.stores.counts.total(meter, str(ANNA), 10))


@pytest.fixture
def house() -> House:
    return House()


def test_a_bounce_to_a_return_path_is_about_its_recipient_whoever_it_names(house: House) -> None:
    house.read(POSTFIX.replace(b"elsewhere.example", b"forwarded.example"), house.path(1))
    assert house.reasons() == {EVE: Reason.HARD_BOUNCE}
    assert house.count(BOUNCES) == 1
    ((what, facts),) = house.told
    assert (what, facts["recipient"], facts["queue_id"], facts["reason"]) == ("bounced", EVE, "000q1", "hard")


def test_the_same_report_again_counts_once(house: House) -> None:
    for _ in range(3):
        house.read(POSTFIX, house.path(0))
    assert (house.count(BOUNCES), len(house.told)) == (1, 1)


def test_a_bounce_without_a_return_path_is_matched_by_the_envelope_id_and_by_the_message_id(house: House) -> None:
    house.read(POSTFIX)
    assert house.reasons() == {BOB: Reason.HARD_BOUNCE}
    other = House()
    other.read(POSTFIX.replace(b"Original-Envelope-Id: 000q1\n", b""))
    assert other.reasons() == {BOB: Reason.HARD_BOUNCE}
    nobody = House()
    nobody.read(POSTFIX.replace(b"Envelope-Id: 000q1", b"Envelope-Id: x").replace(b"id1@", b"id2@"))
    assert (nobody.reasons(), nobody.told) == ({}, [])


def test_an_address_that_the_message_never_went_to_is_not_believed(house: House) -> None:
    house.read(POSTFIX.replace(b"bob@elsewhere.example", b"victim@elsewhere.example"))
    assert house.reasons() == {}
    alone = House((EVE,))
    alone.read(POSTFIX)
    assert alone.reasons() == {EVE: Reason.HARD_BOUNCE}, "it went to one recipient, and was forwarded there"


def test_a_report_with_a_sender_is_no_notification(house: House) -> None:
    house.read(POSTFIX, house.path(0), reverse_path="mallory@elsewhere.example")
    assert house.reasons() == {}


@pytest.mark.parametrize(
    "report",
    [
        POSTFIX.replace(b"Action: failed", b"Action: delayed"),
        POSTFIX.replace(b"Action: failed", b"Action: delivered"),
        POSTFIX.replace(b"5.1.1", b"5.2.2").replace(b"User unknown", b"mailbox full"),
        b"From: eve\r\nSubject: I am away\r\n\r\nI come back on Monday\r\n",
    ],
)
def test_what_is_no_hard_bounce_suppresses_nobody(house: House, report: bytes) -> None:
    house.read(report, house.path(0))
    assert (house.reasons(), house.count(BOUNCES)) == ({}, 0)


def test_a_bounce_that_only_people_can_read_counts_at_a_return_path_alone(house: House) -> None:
    text = b"Subject: failure notice\r\n\r\nRemote host said: 550 5.1.1 no such user\r\n"
    house.read(text)
    assert house.reasons() == {}
    house.read(text, house.path(0))
    assert house.reasons() == {BOB: Reason.HARD_BOUNCE}


def complaint(house: House, path: bytes = b"", message_id: bytes = b"id1@example.org", to: bytes = b"") -> bytes:
    report = REPORT.replace(b"bounce-000q1-0-abc@example.net", path or b"anna@example.org")
    report = report.replace(b"8787KJKJ3K4J3K4J3K4J3.mail@example.net", message_id)
    return report.replace(b"user@example.com", to or b"user@example.com")


def test_a_complaint_is_matched_by_the_return_path_that_it_names(house: House) -> None:
    house.read(complaint(house, house.path(1).encode(), b"x@y"), reverse_path="fbl@provider.example")
    assert house.reasons() == {EVE: Reason.COMPLAINT}
    assert house.count(COMPLAINTS) == 1
    assert [what for what, _ in house.told] == ["complained"]


def test_a_complaint_is_matched_by_message_id_and_recipient(house: House) -> None:
    house.read(complaint(house, to=b"Bob@Elsewhere.example"), reverse_path="fbl@provider.example")
    house.read(complaint(house, to=b"Bob@Elsewhere.example"), reverse_path="fbl@provider.example")
    assert (house.reasons(), house.count(COMPLAINTS)) == ({BOB: Reason.COMPLAINT}, 1)
    stranger = House()
    stranger.read(complaint(stranger))
    stranger.read(complaint(stranger, message_id=b"other@example.org", to=BOB.encode()))
    assert stranger.reasons() == {}
    alone = House((EVE,))
    alone.read(complaint(alone).replace(b"Original-Rcpt-To", b"X-Redacted"))
    assert alone.reasons() == {EVE: Reason.COMPLAINT}


def test_not_spam_is_no_complaint_and_opt_out_unsubscribes(house: House) -> None:
    path = house.path(0).encode()
    house.read(complaint(house, path).replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam"))
    assert house.reasons() == {}
    house.read(complaint(house, path).replace(b"Feedback-Type: abuse", b"Feedback-Type: opt-out"))
    assert house.reasons() == {BOB: Reason.UNSUBSCRIBED}


def test_complaints_suspend_the_account(house: House) -> None:
    run(house.suspensions.settled(ANNA, 100, 0, 10))
    house.read(complaint(house, house.path(0).encode()))
    assert run(house.suspensions.of(ANNA)) is not None


def test_mail_to_the_unsubscribe_address_suppresses_in_this_class_alone(house: House) -> None:
    recipient = QueuedRecipient("000q1", 0, BOB, "elsewhere.example", State.DUE, 0)
    field = house.unsubscribe.fields(ENTRY, recipient).decode()
    address, _, subject = field.partition("mailto:")[2].partition(">")[0].partition("?subject=")
    folded = f"From: bob\r\nSubject: {subject[:60]}\r\n {subject[60:]}\r\n\r\n"
    house.read(folded.encode(), address, reverse_path=BOB)
    assert run(house.suppression.of(BOB, ANNA, ["bulk"], 10)) is not None
    assert run(house.suppression.of(BOB, ANNA, ["other"], 10)) is None
    assert [what for what, _ in house.told] == ["unsubscribed"]
    house.read(b"Subject: take me off\r\n\r\n", address, reverse_path=EVE)
    assert set(house.reasons()) == {BOB}


def test_where_mail_to_our_addresses_leads(house: House) -> None:
    def leads(address: str) -> str | None:
        return run(house.feedback.leads_to(address))

    assert leads(house.path(1)) == "anna@example.org"
    assert leads("anna@example.org") is None
    assert leads("bounce-000q1-0-aaaaaaaaaaaa@example.org") is None
    gone = QueueEntry("000q9", "anna@example.org", ANNA, "bulk", 0, 1_000, 10)
    assert leads(house.paths.path(gone, QueuedRecipient("000q9", 0, "", "", State.DUE, 0))) is None
    address = house.unsubscribe.fields(ENTRY, QueuedRecipient("", 0, BOB, "", State.DUE, 0)).decode()
    assert leads(address.partition("mailto:")[2].partition("?")[0]) == ""


def test_looks_at_headers() -> None:
    assert is_report(POSTFIX)
    assert not is_report(b"Subject: x\r\n\r\nreport-type")
    assert subject_of(b"Subject: =?utf-8?q?b=C3=B6?=\r\n\r\n") == "bö"
    assert subject_of(b"\r\nSubject: x") == ""
