"""delivery/inbound.py, pending.py, bounce.py and local_transport.py: copies that are made, put off, and given up."""

from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred

from mailserverd.delivery.copies import DELIVERED
from mailserverd.delivery.envelope import Envelope, Remote, Routed
from mailserverd.delivery.pending import POLL_SECONDS
from mailserverd.delivery.spool import SMALL_OCTETS
from mailserverd.model.errors import LimitReached, NotFound, OverQuota, TryAgain
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from tests.smtp.doubles import NOW, House

T = TypeVar("T")
MESSAGE = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


def run(waiting: Coroutine[Any, Any, T]) -> T:
    results: list[T] = []
    Deferred.fromCoroutine(waiting).addCallback(results.append)
    assert results, "it is still waiting, or it failed"
    return results[0]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def envelope(house: House, *recipients: Routed, apart: bool = False, sender: bytes = b"x@example.net") -> Envelope:
    routed = recipients or (Routed(b"anna@example.org", (house.anna,)),)
    return Envelope("lmtp" if apart else "smtp", "s1", "q1", sender, routed, b"Received: id ", apart)


def receive(house: House, envelope: Envelope, message: bytes = MESSAGE) -> list[Outcome]:
    spooled = house.spool.open()
    spooled.append(message)
    outcomes = run(house.inbound.receive(envelope, spooled))
    spooled.close()
    return outcomes


def both(house: House) -> Routed:
    return Routed(b"team@example.org", (house.anna, house.bob))


def test_one_copy_with_its_trace(house: House) -> None:
    assert receive(house, envelope(house)) == [Delivered()]
    [(account, octets, key)] = house.copies.delivered
    assert (account, key) == (1, b"q1/1")
    assert octets.startswith(b"Return-Path: <x@example.net>\r\nReceived: id q1\r\n\tfor <anna@example.org>;\r\n\t")
    assert octets.endswith(MESSAGE)


def test_one_scan_and_the_same_octets_for_all(house: House) -> None:
    recipients = (Routed(b"anna@example.org", (house.anna,)), both(house))
    assert receive(house, envelope(house, *recipients)) == [Delivered()]
    assert house.copies.prepared == 1
    assert [each[0] for each in house.copies.delivered] == [1, 2]
    assert len({each[1] for each in house.copies.delivered}) == 1
    assert b"for <" not in house.copies.delivered[0][1]


def test_an_incoming_return_path_is_replaced(house: House) -> None:
    receive(house, envelope(house), b"Return-Path: <evil@example.net>\r\n" + MESSAGE)
    octets = house.copies.delivered[0][1]
    assert b"evil" not in octets
    assert octets.count(b"Return-Path:") == 1


@pytest.mark.parametrize(("count", "refused"), [(99, False), (100, True), (150, True)])
def test_a_loop_is_refused(house: House, count: int, refused: bool) -> None:
    """RFC 5321 §6.3."""
    [outcome] = receive(house, envelope(house), b"Received: x\r\n" * count + MESSAGE)
    assert isinstance(outcome, Refused) is refused
    assert not refused or outcome.status == "5.4.6"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (TryAgain("full map"), TryLater, "4.3.0"),
        (OverQuota("x"), TryLater, "4.2.2"),
        (LimitReached("x"), TryLater, "4.2.0"),
        (NotFound("x"), Refused, "5.1.1"),
        (ZeroDivisionError("x"), TryLater, "4.3.0"),
    ],
)
def test_errors_of_the_store(house: House, error: Exception, kind: type, status: str) -> None:
    house.copies.failing[1] = error
    [outcome] = receive(house, envelope(house))
    assert type(outcome) is kind
    assert outcome.status == status  # type: ignore[union-attr]
    assert house.records.kept == {}


def test_a_scan_that_fails_is_ours_and_temporary(house: House) -> None:
    house.copies.prepare_fails = RuntimeError("a defect")
    assert receive(house, envelope(house)) == [TryLater("4.3.0", "the message cannot be stored now")]


def test_no_space_to_spool(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.spool.folder = tmp_path / "gone"
    [outcome] = receive(house, envelope(house), b"x" * 2 * SMALL_OCTETS)
    assert outcome == TryLater("4.3.1", "the server is short of space")


def test_a_large_message_from_its_file(house: House) -> None:
    assert receive(house, envelope(house), MESSAGE + b"x" * 2 * SMALL_OCTETS) == [Delivered()]
    assert house.copies.delivered[0][1].endswith(b"x" * 2 * SMALL_OCTETS)


def test_when_all_copies_fail_the_sender_tries_again(house: House) -> None:
    house.copies.failing = {1: NotFound("x"), 2: TryAgain("x")}
    assert receive(house, envelope(house, both(house)))[0] == TryLater("4.3.0", "the message cannot be stored now")
    assert house.records.kept == {}


def test_one_copy_is_enough_and_the_other_is_kept(house: House) -> None:
    house.copies.failing = {2: TryAgain("x")}
    assert receive(house, envelope(house, both(house))) == [Delivered()]
    [kept] = house.records.kept.values()
    assert (kept.key, kept.recipient, kept.reverse_path) == (b"q1/2", "bob@example.org", "x@example.net")
    assert kept.message == house.copies.delivered[0][1]
    assert kept.due_at == int(NOW) + 10


def test_what_cannot_be_kept_is_not_said_to_be_delivered(house: House) -> None:
    house.copies.failing = {2: TryAgain("x")}
    house.records.fails = TryAgain("no space")
    assert isinstance(receive(house, envelope(house, both(house)))[0], TryLater)


def test_lmtp_answers_for_each_recipient(house: House) -> None:
    house.copies.failing = {2: OverQuota("x")}
    recipients = (Routed(b"anna@example.org", (house.anna,)), Routed(b"bob@example.org", (house.bob,)))
    outcomes = receive(house, envelope(house, *recipients, apart=True))
    assert [type(each) for each in outcomes] == [Delivered, TryLater]
    assert house.records.kept == {}


def test_a_copy_kept_for_one_recipient_is_not_asked_for_again_by_another(house: House) -> None:
    """The client would send bob's again, and the kept copy would be its double."""
    house.copies.failing = {2: OverQuota("x")}
    recipients = (Routed(b"bob@example.org", (house.bob,)), both(house))
    assert receive(house, envelope(house, *recipients, apart=True)) == [Delivered(), Delivered()]
    assert list(house.records.kept) == [b"q1/2"]
    assert [each[0] for each in house.copies.delivered] == [1]


def test_the_trail_of_a_message(house: House) -> None:
    house.copies.failing = {2: TryAgain("x")}
    receive(house, envelope(house, both(house)))
    events = house.trace.take()
    assert [(each["event"], each.get("to")) for each in events] == [
        ("received", None),
        ("delivered", "anna@example.org"),
        ("try_later", "bob@example.org"),
        ("kept", "bob@example.org"),
    ]
    assert events[0]["message_id"] == "id@example.net"
    assert events[0]["sender"] == "x@example.net"
    assert {each["queue_id"] for each in events} == {"q1"}


def test_too_large_for_one_account(house: House) -> None:
    small = house.directory.add(3, "small@example.org", max_message_octets=50)
    [outcome] = receive(house, envelope(house, Routed(b"small@example.org", (small,))), b"x" * 60)
    assert isinstance(outcome, Refused)
    assert outcome.status == "5.3.4"


# Pending copies.


def rounds(house: House, seconds: float) -> None:
    for _ in range(int(seconds / POLL_SECONDS)):
        house.clock.advance(POLL_SECONDS)


def test_a_kept_copy_is_tried_until_it_is_delivered(house: House) -> None:
    house.copies.failing = {2: TryAgain("x")}
    receive(house, envelope(house, both(house)))
    house.pending.start()
    rounds(house, 30)
    assert next(iter(house.records.kept.values())).attempts == 2
    house.copies.failing = {}
    rounds(house, 70)
    assert house.records.kept == {}
    assert [(each[0], each[2]) for each in house.copies.delivered] == [(1, b"q1/1"), (2, b"q1/2")]
    assert house.metrics.deliveries["pending", "delivered"].value == 1
    run(house.pending.stop())


def test_a_copy_that_got_through_unnoticed_is_not_doubled(house: House) -> None:
    house.copies.failing = {2: TryAgain("x")}
    receive(house, envelope(house, both(house)))
    house.copies.delivered.append((2, b"", b"q1/2"))
    house.copies.failing = {}
    house.pending.start()
    rounds(house, 30)
    assert [each[0] for each in house.copies.delivered] == [1, 2]
    assert house.records.kept == {}


def test_a_copy_too_old_bounces_to_a_sender_of_ours(house: House) -> None:
    eva = house.directory.add(5, "eva@example.org")
    house.copies.failing = {2: TryAgain("x")}
    receive(house, envelope(house, both(house), sender=b"eva@example.org"))
    house.clock.advance(house.config.delivery.retry_max_age_seconds)
    house.pending.start()
    rounds(house, 10)
    assert house.records.kept == {}
    account, octets, _ = house.copies.delivered[-1]
    assert account == eva.account_id
    assert octets.startswith(b"Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\n")
    assert b"Final-Recipient: rfc822; bob@example.org\r\n" in octets
    assert b"Status: 5.4.7\r\n" in octets
    assert b"Subject: hi\r\n" in octets


def test_a_bounce_to_a_sender_elsewhere_goes_out(house: House) -> None:
    house.copies.failing = {2: NotFound("removed meanwhile")}
    assert receive(house, envelope(house, both(house), sender=b"x@example.net")) == [Delivered()]
    assert house.records.kept == {}
    [sent] = house.sending.submitted
    assert (sent.sender, sent.recipients[0].address) == ("", "x@example.net")
    assert b"Status: 5.1.1" in sent.message


@pytest.mark.parametrize("sender", [b"", b"unknown@example.org"])
def test_a_bounce_that_has_nowhere_to_go_is_the_postmasters(house: House, sender: bytes) -> None:
    house.copies.failing = {2: NotFound("removed meanwhile")}
    assert receive(house, envelope(house, both(house), sender=sender)) == [Delivered()]
    assert house.records.kept == {}
    assert [each[0] for each in house.copies.delivered] == [1, 1]
    assert b"Status: 5.1.1" in house.copies.delivered[1][1]


def test_a_bounce_that_fails_is_tried_again_and_told_once(house: House) -> None:
    house.copies.failing = {2: NotFound("x")}
    house.directory.add(5, "eva@example.org")
    house.copies.failing[5] = TryAgain("x")
    assert receive(house, envelope(house, both(house), sender=b"eva@example.org")) == [Delivered()]
    assert list(house.records.kept) == [b"q1/2"]
    house.pending.start()
    rounds(house, 30)
    assert list(house.records.kept) == [b"q1/2"]
    del house.copies.failing[5]
    rounds(house, 120)
    assert house.records.kept == {}
    assert [each[0] for each in house.copies.delivered] == [1, 5]
    assert run(house.transport.deliver("eva@example.org", b"again", b"q1/2/b")) == Delivered()
    assert [each[0] for each in house.copies.delivered] == [1, 5]


def test_stopping_waits_for_the_round_under_way(house: House) -> None:
    house.copies.failing = {2: TryAgain("x")}
    receive(house, envelope(house, both(house)))
    house.copies.failing = {}
    house.pending.start()
    house.copies.waits = Deferred()
    rounds(house, 15)
    stopped: list[None] = []
    Deferred.fromCoroutine(house.pending.stop()).addCallback(stopped.append)
    assert stopped == []
    house.copies.waits, waits = None, house.copies.waits
    waits.callback(None)
    assert stopped == [None]
    assert house.records.kept == {}
    assert house.clock.getDelayedCalls() == []


def test_nothing_runs_on_after_a_failing_round(house: House) -> None:
    async def fails(now: int, limit: int) -> Any:
        raise TryAgain("the store is away")

    house.records.due = fails  # type: ignore[method-assign]
    house.pending.start()
    rounds(house, 20)
    assert len(house.clock.getDelayedCalls()) == 1
    run(house.pending.stop())


def remote(address: str, **more: Any) -> Routed:
    return Routed(address.encode(), (), (Remote(address, address.rpartition("@")[2], **more),))


def submitted(
    house: House, *recipients: Routed, octets: bytes = b"Message-ID: <m@x>\r\nSubject: x\r\n\r\nhi\r\n"
) -> Any:
    sent = Envelope("submission", "s1", "q1", b"anna@example.org", recipients, b"Received: id ", account=house.anna)
    return receive(house, sent, octets)


def test_what_is_for_elsewhere_is_queued_without_a_return_path(house: House) -> None:
    assert submitted(house, remote("x@a.example", notify="NEVER"), remote("y@b.example")) == [DELIVERED]
    [wanted] = house.sending.submitted
    assert wanted.message.startswith(b"Received: id q1;")
    assert wanted.message.endswith(b"Subject: x\r\n\r\nhi\r\n")
    assert (wanted.sender, wanted.message_id, wanted.body) == ("anna@example.org", "m@x", "7BIT")
    assert [(each.address, each.destination, each.notify) for each in wanted.recipients] == [
        ("x@a.example", "a.example", "NEVER"),
        ("y@b.example", "b.example", ""),
    ]
    assert house.copies.prepared == 0, "nothing is stored of what nobody here has"


def test_copies_here_and_there(house: House) -> None:
    assert submitted(house, remote("x@a.example"), Routed(b"bob@example.org", (house.bob,))) == [DELIVERED]
    assert [each[0] for each in house.copies.delivered] == [house.bob.account_id]
    assert len(house.sending.submitted) == 1


def test_a_queue_that_refuses_is_the_answer_and_nothing_is_delivered_here(house: House) -> None:
    house.sending.refusal_at_the_end = TryLater("4.7.1", "too many messages")
    answers = submitted(house, remote("x@a.example"), Routed(b"bob@example.org", (house.bob,)))
    assert answers == [house.sending.refusal_at_the_end]
    assert house.copies.delivered == []


def test_a_copy_that_fails_here_is_kept_once_the_rest_is_queued(house: House) -> None:
    house.copies.failing[house.bob.account_id] = OverQuota("full")
    assert submitted(house, remote("x@a.example"), Routed(b"bob@example.org", (house.bob,))) == [DELIVERED]
    assert len(house.records.kept) == 1


def test_the_class_is_read_and_taken_out(house: House) -> None:
    octets = b"Subject: x\r\nX-Mail-Class:  bulk \r\n\r\nX-Mail-Class: stays\r\n"
    submitted(house, remote("x@a.example"), octets=octets)
    [wanted] = house.sending.submitted
    assert wanted.mail_class == "bulk"
    assert wanted.message.endswith(b"Subject: x\r\n\r\nX-Mail-Class: stays\r\n")


def test_a_copy_in_sent_where_the_account_wants_one(house: House) -> None:
    submitted(house, remote("x@a.example"))
    assert house.copies.sent == []
    house.anna = replace(house.anna, keep_sent=True)
    submitted(house, remote("x@a.example"))
    assert [each[0] for each in house.copies.sent] == [house.anna.account_id]
    house.copies.failing[house.anna.account_id] = TryAgain("no disk")
    assert submitted(house, remote("x@a.example")) == [DELIVERED], "it was sent all the same"


def test_mail_from_outside_is_read_for_reports_before_it_is_answered(house: House) -> None:
    assert receive(house, envelope(house, sender=b"")) == [Delivered()]
    [(recipients, reverse_path, message)] = house.reports.seen
    assert (recipients, reverse_path) == (["anna@example.org"], "")
    assert message.endswith(MESSAGE)
    house.reports.error = TryAgain("full")
    [outcome] = receive(house, envelope(house))
    assert isinstance(outcome, TryLater)
    assert len(house.copies.delivered) == 1


def test_a_users_own_mail_is_not_read_unless_it_goes_to_an_address_of_the_servers_making(house: House) -> None:
    own = envelope(house)._replace(account=house.bob)
    receive(house, own)
    assert house.reports.seen == []
    receive(house, own._replace(recipients=(Routed(b"unsubscribe-x@example.org", (), report=True),)))
    assert [recipients for recipients, _, _ in house.reports.seen] == [["unsubscribe-x@example.org"]]


@pytest.mark.parametrize("apart", [True, False])
def test_mail_that_is_only_read_has_no_copy_and_is_answered_for_each_recipient(house: House, apart: bool) -> None:
    report = Routed(b"unsubscribe-x@example.org", (), report=True)
    assert receive(house, envelope(house, report, report, apart=apart)) == [DELIVERED] * (2 if apart else 1)
    assert house.copies.delivered == []
    anna = Routed(b"anna@example.org", (house.anna,))
    assert receive(house, envelope(house, report, anna, apart=apart)) == [DELIVERED] * (2 if apart else 1)
    assert len(house.copies.delivered) == 1


def test_who_wants_to_know_is_told_of_copies_that_were_made_here(house: House) -> None:
    wanted = Routed(b"bob@example.org", (house.bob,), notify="FAILURE,SUCCESS", orcpt="rfc822;Bob@example.org")
    submitted(house, wanted)
    (_, _, _), (account, octets, _) = house.copies.delivered
    assert account == house.anna.account_id
    assert b"Action: delivered\r\n" in octets
    assert b"Final-Recipient: rfc822; bob@example.org\r\n" in octets
    assert b"Original-Recipient: rfc822; Bob@example.org\r\n" in octets
    house.copies.delivered.clear()
    submitted(house, Routed(b"bob@example.org", (house.bob,), notify="FAILURE"))
    assert len(house.copies.delivered) == 1


def test_a_copy_that_fails_is_not_reported_where_no_report_is_wanted(house: House) -> None:
    house.copies.failing = {2: NotFound("removed meanwhile")}
    submitted(
        house, Routed(b"anna@example.org", (house.anna,)), Routed(b"bob@example.org", (house.bob,), notify="NEVER")
    )
    assert house.records.kept == {}
    assert [each[0] for each in house.copies.delivered] == [house.anna.account_id]
