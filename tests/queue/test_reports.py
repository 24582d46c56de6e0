"""What the sender is told, and when: RFC 3461, RFC 3464, RFC 2852."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from mailserverd.interfaces.mail_transport import Result
from mailserverd.model.outcome import Delivered, Refused, TryLater
from mailserverd.model.queue_entry import State
from tests.queue.stage import NOW, OK, Stage, later, never

NO_USER = never("550 5.1.1 <x@a.example> no such user")


def blocks(octets: bytes) -> list[Any]:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message.get_content_type() == "multipart/report"
    payload = list(message.iter_parts())[1].get_payload()
    assert isinstance(payload, list)
    return payload


def reports(stage: Stage) -> list[tuple[str, bytes]]:
    return list(stage.post.reports.values())


def test_a_failure_is_told_once_with_the_words_of_the_server() -> None:
    stage = Stage()
    stage.host("a.example", lambda _: NO_USER)
    stage.queue("q1", "x@a.example", "y@a.example", envid="e1", recipient={"orcpt": "rfc822;Orig@b.example"})
    stage.run()
    ((sender, octets),) = reports(stage)
    assert sender == "anna@example.org"
    about, first, second = blocks(octets)
    assert about["Original-Envelope-Id"] == "e1"
    assert about["Reporting-MTA"] == "dns; out.example.org"
    assert first["Original-Recipient"] == "rfc822; Orig@b.example"
    assert first["Final-Recipient"] == "rfc822; x@a.example"
    assert (first["Action"], first["Status"]) == ("failed", "5.1.1")
    assert first["Remote-MTA"] == "dns; mx.a.example"
    assert first["Diagnostic-Code"] == "smtp; 550 5.1.1 <x@a.example> no such user"
    assert second["Final-Recipient"] == "rfc822; y@a.example"
    assert b"Subject: x" in octets
    assert b"\r\nbody\r\n" not in octets
    assert stage.row("q1").state is State.FAILED


def test_all_of_the_message_where_it_was_asked_for() -> None:
    stage = Stage()
    stage.host("a.example", lambda _: NO_USER)
    stage.queue("q1", "x@a.example", ret="FULL")
    stage.run()
    assert b"\r\nbody\r\n" in reports(stage)[0][1]


@pytest.mark.parametrize(("notify", "sender"), [("NEVER", "anna@x"), ("DELAY,SUCCESS", "anna@x"), ("", "")])
def test_who_is_not_told(notify: str, sender: str) -> None:
    stage = Stage()
    stage.host("a.example", lambda _: NO_USER)
    stage.queue("q1", "x@a.example", sender=sender, recipient={"notify": notify})
    stage.run()
    assert reports(stage) == []
    assert stage.row("q1").state is State.FAILED


def test_what_expired_is_told_with_the_last_reply() -> None:
    stage = Stage()
    stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example", expires=NOW + 400)
    stage.run(450, 1.0)
    assert stage.row("q1").state is State.EXPIRED
    ((_, octets),) = reports(stage)
    assert blocks(octets)[1]["Status"] == "5.4.7"
    assert blocks(octets)[1]["Diagnostic-Code"] == "smtp; 451 4.3.0 not now"


def test_a_delay_is_told_once() -> None:
    stage = Stage(delay_warning_seconds=1000, retry_seconds=(300,))
    stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example")
    stage.run(900, 5.0)
    assert reports(stage) == []
    stage.run(1000, 5.0)
    ((_, octets),) = reports(stage)
    block = blocks(octets)[1]
    assert (block["Action"], block["Status"]) == ("delayed", "4.3.0")
    assert block["Will-Retry-Until"]
    assert stage.row("q1").told_delay
    stage.run(3000, 5.0)
    assert len(reports(stage)) == 1


def test_no_delay_is_told_who_did_not_ask_for_it() -> None:
    stage = Stage(delay_warning_seconds=100)
    stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example", recipient={"notify": "FAILURE"})
    stage.run(2000, 5.0)
    assert reports(stage) == []


@pytest.mark.parametrize(
    ("notify", "answer", "told"),
    [
        ("SUCCESS", OK, True),
        ("SUCCESS", Result(Delivered(), 250, "250 ok", sent_dsn=True), False),
        ("", OK, False),
        ("FAILURE", OK, False),
    ],
)
def test_success_is_told_where_the_next_server_will_not(notify: str, answer: Result, told: bool) -> None:
    stage = Stage()
    stage.host("a.example", lambda _: answer)
    stage.queue("q1", "x@a.example", recipient={"notify": notify})
    stage.run()
    assert len(reports(stage)) == told
    if told:
        assert blocks(reports(stage)[0][1])[1]["Action"] == "relayed"
        assert stage.kinds() == ["relayed"]
    assert stage.gone("q1")


def test_nothing_is_final_while_its_report_cannot_be_stored() -> None:
    stage = Stage()
    stage.host("a.example", lambda _: NO_USER)
    stage.post.outcome = TryLater("4.3.0", "the disk is full")
    stage.queue("q1", "x@a.example")
    stage.run()
    assert stage.row("q1").state is State.DEFERRED
    stage.post.outcome = Delivered()
    stage.run(310, 1.0)
    assert stage.row("q1").state is State.FAILED
    assert len(reports(stage)) == 1


def test_a_report_that_nobody_takes_is_the_end_of_it() -> None:
    stage = Stage()
    stage.host("a.example", lambda _: NO_USER)
    stage.post.outcome = Refused("5.1.1", "no such sender")
    stage.queue("q1", "x@a.example")
    stage.run()
    assert stage.row("q1").state is State.FAILED


def test_the_same_report_after_a_crash_has_the_same_key() -> None:
    keys = []
    for _ in range(2):
        stage = Stage()
        stage.host("a.example", lambda _: NO_USER)
        stage.queue("q1", "x@a.example")
        stage.run()
        keys += list(stage.post.reports)
    assert keys[0] == keys[1]


def test_too_late_for_who_wanted_it_back() -> None:
    """RFC 2852: by mode R it is not sent after its time."""
    stage = Stage()
    host = stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example", deliver_by=NOW + 200, by_mode="R", expires=NOW + 200)
    stage.run(1)
    assert len(host.messages) == 1
    host.answer = lambda _: OK
    stage.run(320, 1.0)
    assert len(host.messages) == 1
    assert (stage.row("q1").state, stage.row("q1").last_status) == (State.EXPIRED, "5.4.7")
    assert blocks(reports(stage)[0][1])[1]["Action"] == "failed"


def test_late_for_who_wanted_to_know() -> None:
    """RFC 2852: by mode N it is sent all the same, and its sender told that it is late."""
    stage = Stage(retry_seconds=(100,))
    host = stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example", deliver_by=NOW + 50, by_mode="N")
    stage.run(120, 1.0)
    assert blocks(reports(stage)[0][1])[1]["Action"] == "delayed"
    host.answer = lambda _: OK
    host.extensions = frozenset({"DSN", "DELIVERBY"})
    stage.run(120, 1.0)
    assert stage.gone("q1")
    assert len(reports(stage)) == 1


def test_a_message_that_is_lost_here_is_told_too() -> None:
    stage = Stage()
    stage.host("a.example")
    stage.queue("q1", "x@a.example")
    stage.store.bodies.clear()  # type: ignore[attr-defined]
    stage.run()
    assert (stage.row("q1").state, stage.row("q1").last_status) == (State.FAILED, "5.3.0")
    assert len(reports(stage)) == 1


def test_history_is_bounded() -> None:
    stage = Stage(retry_seconds=(10,))
    stage.host("a.example", lambda _: later("451 4.3.0 " + "x" * 5_000))
    stage.queue("q1", "x@a.example")
    stage.run(1500, 1.0)
    row = stage.row("q1")
    assert row.attempts > 100
    assert len(row.history) == 40
    assert len(row.last_reply) == 1_000
    assert replace(row, history=()).attempts == row.attempts
