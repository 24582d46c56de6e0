"""What becomes of a message on its way into the queue: class, times, refusals."""

from collections.abc import Sequence
from typing import Any

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.account import Account
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.submit import NO_SUCH_CLASS, TOO_LATE, Addressee, Submission, Submit
from mailserverd.wire.smtp.options import MailOptions

NOW = 1_780_000_000
ANNA = Account(AccountId(1), "anna@example.org")
SETTINGS = Outbound(
    max_age_seconds=1000,
    classes={"bulk": MailClass(max_age_seconds=50, priority=-2), "notice": MailClass()},
)


class Stored:
    def __init__(self) -> None:
        self.entries: list[tuple[QueueEntry, Sequence[QueuedRecipient], bytes]] = []

    async def submit(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes) -> None:
        self.entries.append((entry, recipients, body))


class Rules:
    refusal: Refused | TryLater | None = None

    async def recipient(self, account: Account, address: str, now: int) -> Refused | TryLater | None:
        return self.refusal

    async def message(self, account: Account, addresses: Sequence[str], now: int) -> Refused | TryLater | None:
        self.asked = addresses
        return self.refusal

    async def accepted(self, entry: QueueEntry, addresses: Sequence[str]) -> None:
        self.remembered = entry.queue_id, addresses


class Case:
    def __init__(self) -> None:
        self.store, self.rules, self.woken = Stored(), Rules(), 0
        self.submit = Submit(self.store, self.rules, lambda: SETTINGS, lambda: NOW, self._wake)  # type: ignore[arg-type]

    def _wake(self) -> None:
        self.woken += 1

    def send(self, **more: Any) -> Refused | TryLater | None:
        wanted = {
            "queue_id": "q1", "sender": "anna@example.org", "message": b"Subject: x\r\n\r\n", "now": NOW,
            "account": ANNA,
            "recipients": [Addressee("x@a.example", "a.example"), Addressee("y@b.example", "b.example", "NEVER")],
        } | more  # fmt: skip
        coroutine = self.submit.submit(Submission(**wanted))
        try:
            coroutine.send(None)
        except StopIteration as done:
            answer: Refused | TryLater | None = done.value
            return answer
        raise AssertionError("it waits")

    @property
    def entry(self) -> QueueEntry:
        return self.store.entries[0][0]

    @property
    def recipients(self) -> Sequence[QueuedRecipient]:
        return self.store.entries[0][1]


def test_an_entry_with_its_recipients_and_the_scheduler_is_told() -> None:
    case = Case()
    assert case.send() is None
    assert case.woken == 1
    assert case.rules.remembered == ("q1", ["x@a.example", "y@b.example"])
    assert (case.entry.sender, case.entry.account_id, case.entry.expires) == ("anna@example.org", 1, NOW + 1000)
    assert [(each.position, each.address, each.state, each.next_attempt) for each in case.recipients] == [
        (0, "x@a.example", State.DUE, NOW),
        (1, "y@b.example", State.DUE, NOW),
    ]
    assert case.recipients[1].notify == "NEVER"
    assert case.rules.asked == ["x@a.example", "y@b.example"]


def test_a_refusal_stores_nothing() -> None:
    case = Case()
    case.rules.refusal = TryLater("4.7.1", "too much")
    assert case.send() is case.rules.refusal
    assert case.store.entries == []
    assert case.woken == 0


def test_the_class_of_the_account_and_what_it_may_name() -> None:
    case = Case()
    bulk = Account(AccountId(2), "news@example.org", mail_class="bulk", mail_classes=("notice",))
    case.send(account=bulk)
    assert (case.entry.mail_class, case.entry.priority, case.entry.expires) == ("bulk", -2, NOW + 50)
    case = Case()
    case.send(account=bulk, mail_class="notice")
    assert case.entry.mail_class == "notice"
    assert Case().send(mail_class="bulk") is NO_SUCH_CLASS
    assert Case().send(account=bulk, mail_class="secret") is NO_SUCH_CLASS


def test_mail_of_the_server_itself_meets_no_rules() -> None:
    case = Case()
    case.rules.refusal = Refused("5.7.1", "no")
    assert case.send(account=None, sender="") is None
    assert case.entry.account_id is None


def test_it_waits_for_the_later_of_what_the_sender_and_the_account_ask() -> None:
    slow = Account(AccountId(3), "slow@example.org", hold_seconds=30)
    for options, due in (
        (MailOptions(), NOW + 30),
        (MailOptions(hold_seconds=10), NOW + 30),
        (MailOptions(hold_seconds=100), NOW + 100),
        (MailOptions(hold_until=NOW + 3600), NOW + 3600),
        (MailOptions(hold_until=NOW - 3600), NOW + 30),
    ):
        case = Case()
        case.send(account=slow, options=options)
        assert {each.next_attempt for each in case.recipients} == {due}
        assert case.entry.expires == due + 1000


def test_deliver_by_ends_it_in_mode_r_only() -> None:
    case = Case()
    case.send(options=MailOptions(deliver_by=60, by_mode="R"))
    assert (case.entry.deliver_by, case.entry.expires) == (NOW + 60, NOW + 60)
    case = Case()
    case.send(options=MailOptions(deliver_by=60, by_mode="N"))
    assert (case.entry.deliver_by, case.entry.expires) == (NOW + 60, NOW + 1000)
    assert Case().send(options=MailOptions(deliver_by=0, by_mode="R")) is TOO_LATE
