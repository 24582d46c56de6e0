"""Caps: messages an hour of an account and of a domain, new recipients a day, also across a restart."""

from mailserverd.model.account import Account
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.caps import Caps, CapSettings
from tests.queue.reputation_double import Stores, run

ANNA = Account(AccountId(1), "anna@example.org")
BERT = Account(AccountId(2), "bert@example.org")
CARL = Account(AccountId(3), "carl@example.com")
NOW = 1_000 * 3_600
HOUR = TryLater("4.7.1", "you may send 3 messages an hour to other servers; try again later")
DOMAIN = TryLater("4.7.1", "your domain may send 5 messages an hour to other servers; try again later")
DAY = TryLater("4.7.1", "you may write to 4 new recipients a day; try again later")


def caps(stores: Stores, messages: int = 0, strangers: int = 0, domain: int = 0) -> Caps:
    return Caps(stores.counts, lambda: CapSettings(messages, strangers, domain))


def send(made: Caps, account: Account = ANNA, *to: str, now: int = NOW):
    return run(made.message(account, to or ("x@example.net",), now))


def test_messages_an_hour_slide() -> None:
    made = caps(Stores(), messages=3)
    assert [send(made, now=NOW + 1_200 * n) for n in range(3)] == [None] * 3
    assert send(made, now=NOW + 3_000) == HOUR
    assert run(made.recipient(ANNA, "x@example.net", NOW + 3_000)) == HOUR, "told at RCPT already"
    assert send(made, BERT, now=NOW + 3_000) is None
    assert send(made, now=NOW + 3_600) is None
    assert send(made, now=NOW + 3_600) == HOUR


def test_a_domains_accounts_share_its_hour() -> None:
    made = caps(Stores(), domain=5)
    assert [send(made, each) for each in (ANNA, BERT, ANNA, BERT, ANNA)] == [None] * 5
    assert send(made, BERT) == send(made, ANNA) == DOMAIN
    assert send(made, CARL) is None


def test_new_recipients_of_a_day() -> None:
    made = caps(Stores(), strangers=4)
    assert send(made, ANNA, "a@x.example", "b@x.example", "A@X.example") is None
    assert send(made, ANNA, "a@x.example", "b@x.example") is None
    assert send(made, ANNA, "c@x.example", "d@x.example", "e@x.example") == DAY
    assert send(made, ANNA, "c@x.example", "d@x.example") is None
    assert run(made.recipient(ANNA, "e@x.example", NOW)) == DAY
    assert run(made.recipient(ANNA, "c@X.example", NOW)) is None, "it wrote there before"
    assert send(made, ANNA, "e@x.example", now=NOW + 86_400) is None


def test_one_message_to_more_than_a_day_allows_will_never_do() -> None:
    made = caps(Stores(), strangers=4)
    refusal = send(made, ANNA, *(f"r{n}@x.example" for n in range(5)))
    assert refusal == Refused("5.7.1", "you may write to 4 new recipients a day, and these are 5")
    assert send(made, ANNA, *(f"r{n}@x.example" for n in range(4))) is None, "what was refused counted nothing"


def test_counts_and_acquaintances_stand_after_a_restart() -> None:
    stores = Stores()
    made = caps(stores, messages=3, strangers=4)
    for each in "abc":
        send(made, ANNA, f"{each}@x.example")
    run(stores.counts.written())
    again = caps(stores.again(), messages=3, strangers=4)
    assert send(again) == HOUR
    later = NOW + 3_600
    assert send(again, ANNA, "c@x.example", "d@x.example", now=later) is None
    assert send(again, ANNA, "e@x.example", now=later) == DAY


def test_no_limits() -> None:
    made = caps(Stores())
    assert {send(made, ANNA, f"r{n}@x.example") for n in range(300)} == {None}
