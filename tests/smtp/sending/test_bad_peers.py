"""Peers that stall, drip, flood, lie, break off: a deadline, bounded memory, the right fate for every recipient."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost

from mailserverd.model.outcome import Delivered, Refused, TryLater
from mailserverd.smtp.sending.conversation import ALL_ANSWERS_SECONDS
from mailserverd.wire.smtp.client.reply import MAX_LINES
from mailserverd.wire.smtp.client.stuffing import BLOCK_OCTETS
from tests.smtp.sending.stage import TIMEOUTS, Running, Stage, message, opened

LARGE = b"Subject: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 10_000


def said(stage: Stage, *lines: str) -> None:
    for line in lines:
        stage.says(line)


# Silence, at every step.


@pytest.mark.parametrize(
    ("lines", "where", "seconds"),
    [
        ([], "greeting", TIMEOUTS.greeting_seconds),
        (["220 hello"], "ehlo", TIMEOUTS.ehlo_seconds),
        (["220 hello", "502 what"], "ehlo", TIMEOUTS.ehlo_seconds),
        (["220 hello", "250-mx\r\n250 STARTTLS"], "tls", TIMEOUTS.ehlo_seconds),
    ],
)
def test_silence_before_a_session(lines: list[str], where: str, seconds: int) -> None:
    stage = Stage()
    stage.accept()
    said(stage, *lines)
    stage.passes(seconds - 1)
    assert not stage.connecting.done
    stage.passes(1)
    failed = stage.connecting.failed
    assert (failed.stage, failed.outcome.status) == (where, "4.4.2")
    assert f"no answer in {seconds} seconds" in failed.outcome.why
    assert stage.wire.aborted


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], TIMEOUTS.mail_seconds),
        (["250 ok"], TIMEOUTS.rcpt_seconds),
        (["250 ok", "250 ok"], TIMEOUTS.rcpt_seconds),
        (["250 ok", "250 ok", "250 ok"], TIMEOUTS.data_seconds),
        (["250 ok", "250 ok", "250 ok", "354 go"], TIMEOUTS.dot_seconds),
    ],
)
def test_silence_in_a_transaction(lines: list[str], seconds: int, pipelining: bool) -> None:
    stage = opened("PIPELINING" if pipelining else "8BITMIME")
    sending = stage.send(message("b@y.example", "c@y.example"))
    said(stage, *lines)
    stage.passes(seconds - 1)
    assert not sending.done
    stage.passes(1)
    why = f"no answer in {seconds} seconds"
    assert [each.outcome for each in sending.sent.results] == [TryLater("4.4.2", why)] * 2
    assert sending.sent.broken
    assert stage.wire.aborted
    assert not stage.connection.idle()


def test_silence_after_a_refusal_keeps_the_refusal() -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example"))
    said(stage, "250 ok", "550 5.1.1 no")
    stage.passes(200)
    assert sending.kinds() == ["Refused", "TryLater"]
    assert sending.sent.broken


def test_silence_after_reset() -> None:
    stage = opened()
    sending = stage.send(message())
    said(stage, "250 ok", "550 5.1.1 no", "554 no")
    stage.passes(TIMEOUTS.mail_seconds)
    assert sending.codes() == [550]
    assert sending.sent.broken


def test_a_message_that_nobody_takes() -> None:
    stage = opened("PIPELINING")
    sending = stage.send(message(octets=LARGE))
    stage.heard()
    stage.wire.full = BLOCK_OCTETS
    said(stage, "250 ok", "250 ok", "354 go")
    stage.passes(TIMEOUTS.block_seconds - 1)
    assert not sending.done
    stage.wire.drained()  # a block is taken: the time begins anew
    stage.passes(TIMEOUTS.block_seconds - 1)
    assert not sending.done
    stage.passes(1)
    assert sending.sent.results[0].reply == "it took no block of the message in 100 seconds"
    assert sending.sent.broken


def test_a_reply_an_octet_at_a_time_does_not_last_longer() -> None:
    stage = opened()
    sending = stage.send(message())
    for octet in b"250-" + b"x" * 200:
        stage.sends(bytes([octet]))
        stage.passes(1)
        if sending.done:
            break
    assert stage.reactor.seconds() == TIMEOUTS.mail_seconds
    assert sending.kinds() == ["TryLater"]
    assert stage.wire.aborted


def test_a_second_reply_an_octet_at_a_time() -> None:
    stage = opened()
    sending = stage.send(message())
    said(stage, "250 ok")
    for octet in b"250-" + b"x" * 200:
        stage.sends(bytes([octet]))
        stage.passes(1)
        if sending.done:
            break
    assert stage.reactor.seconds() == TIMEOUTS.rcpt_seconds


def test_a_tarpit_that_answers_in_time_is_waited_for() -> None:
    stage = opened()
    sending = stage.send(message(*[f"r{number}@y.example" for number in range(20)]))
    for line in ["250 ok"] * 21 + ["354 go"]:
        stage.passes(TIMEOUTS.mail_seconds - 1)
        said(stage, line)
    stage.passes(TIMEOUTS.dot_seconds - 1)
    said(stage, "250 2.0.0 at last")
    assert sending.codes() == [250] * 20
    assert stage.connection.idle()


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_tarpit_has_an_hour_in_all(pipelining: bool) -> None:
    stage = opened("PIPELINING" if pipelining else "8BITMIME")
    sending = stage.send(message(*[f"r{number}@y.example" for number in range(100)]))
    while not sending.done:
        stage.passes(TIMEOUTS.mail_seconds - 1)
        said(stage, "250 ok")
        assert stage.reactor.seconds() < 2 * ALL_ANSWERS_SECONDS
    assert ALL_ANSWERS_SECONDS <= stage.reactor.seconds() < ALL_ANSWERS_SECONDS + TIMEOUTS.greeting_seconds + 70
    assert sending.sent.results[0].reply == "its answers took too long in all"


def test_lmtp_answers_have_an_hour_in_all() -> None:
    stage = opened("PIPELINING", protocol="lmtp")
    sending = stage.send(message(*[f"r{number}@y.example" for number in range(50)]))
    stage.says(*["250 ok"] * 51, "354 go")
    while not sending.done:
        stage.passes(TIMEOUTS.dot_seconds - 1)
        said(stage, "250 in")
    assert sending.kinds()[0] == "Delivered"
    assert sending.kinds()[-1] == "TryLater"
    assert stage.reactor.seconds() < ALL_ANSWERS_SECONDS + TIMEOUTS.greeting_seconds + 110


# Too much.


@pytest.mark.parametrize(
    "flood",
    [
        b"250-and more\r\n" * (MAX_LINES + 1),
        b"250 " + b"x" * 40_000,
        (b"250-" + b"x" * 5000 + b"\r\n") * 9,
        b"\0" * 40_000,
    ],
)
def test_endless_replies(flood: bytes) -> None:
    stage = opened()
    sending = stage.send(message())
    stage.sends(flood)
    assert sending.kinds() == ["TryLater"]
    assert sending.sent.broken
    assert stage.wire.aborted


def test_a_flood_is_not_kept() -> None:
    stage = opened()
    sending = stage.send(message())
    tracemalloc.start()
    try:
        for _ in range(1000):
            stage.sends(b"250-" + b"x" * 60_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert sending.sent.broken


# Out of number and out of turn.


@pytest.mark.parametrize(
    "extra",
    [
        ["250 ok", "250 ok", "354 go", "250 2.0.0 queued before it came"],
        ["250 ok", "250 ok", "250 ok", "354 go", "250 ok"],
    ],
)
def test_more_replies_than_commands_are_no_delivery(extra: list[str]) -> None:
    stage = opened()
    sending = stage.send(message())
    stage.says(*extra)
    assert sending.kinds() == ["TryLater"]
    assert sending.sent.broken
    assert stage.wire.aborted


def test_a_reply_to_a_message_that_was_not_yet_sent_is_no_delivery() -> None:
    stage = opened("PIPELINING")
    sending = stage.send(message(octets=LARGE))
    stage.wire.full = BLOCK_OCTETS
    said(stage, "250 ok", "250 ok", "354 go")
    assert not sending.done
    said(stage, "250 2.0.0 queued")
    assert sending.kinds() == ["TryLater"]
    assert sending.sent.broken


@pytest.mark.parametrize(("line", "kind"), [("552 5.3.4 too big", Refused), ("451 4.3.0 full", TryLater)])
def test_a_refusal_in_the_middle_of_the_message(line: str, kind: type) -> None:
    stage = opened("PIPELINING")
    sending = stage.send(message(octets=LARGE))
    stage.wire.full = BLOCK_OCTETS
    said(stage, "250 ok", "250 ok", "354 go")
    said(stage, line)
    assert isinstance(sending.sent.results[0].outcome, kind)
    assert sending.codes() == [int(line[:3])]
    assert sending.sent.broken  # the rest of the message would be taken for commands
    assert stage.wire.aborted


def test_words_while_nobody_asked() -> None:
    stage = opened()
    said(stage, "250 by the way")
    assert not stage.connection.idle()
    assert stage.wire.aborted


@pytest.mark.parametrize("code", ["250 ok", "235 ok", "334 go", "399 what"])
def test_no_354_for_data(code: str) -> None:
    stage = opened()
    sending = stage.send(message())
    stage.heard()
    said(stage, "250 ok", "250 ok", code)
    assert stage.heard() == b""
    assert sending.kinds() == ["TryLater"]
    assert sending.sent.broken


def test_354_after_a_refusal_of_mail() -> None:
    stage = opened()
    sending = stage.send(message())
    stage.says("550 no", "550 no", "354 go")
    assert sending.kinds() == ["Refused"]
    assert sending.sent.broken


def test_354_for_nobody_over_lmtp() -> None:
    stage = opened("PIPELINING", protocol="lmtp")
    sending = stage.send(message())
    stage.says("250 ok", "550 no", "354 go")
    assert sending.codes() == [550]
    assert sending.sent.broken


# The end comes early.


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("step", range(5))
def test_421_at_any_step(step: int, pipelining: bool) -> None:
    stage = opened("PIPELINING" if pipelining else "8BITMIME")
    sending = stage.send(message("b@y.example", "c@y.example"))
    said(stage, *["250 ok", "550 5.1.1 no", "250 ok", "354 go"][:step], "421 4.3.2 going down")
    codes = sending.codes()
    assert codes == ([550, 421] if step > 1 else [421, 421])
    assert sending.sent.results[1].outcome == TryLater("4.3.2", "421 4.3.2 going down")
    assert sending.sent.broken
    assert not stage.connection.idle()
    closing = Running(stage.connection.close())
    assert closing.done


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("step", range(5))
def test_closed_at_any_step(step: int, pipelining: bool) -> None:
    stage = opened("PIPELINING" if pipelining else "8BITMIME")
    sending = stage.send(message("b@y.example", "c@y.example"))
    said(stage, *["250 ok", "550 5.1.1 no", "250 ok", "354 go"][:step])
    stage.closes(ConnectionLost())
    assert sending.kinds() == (["Refused", "TryLater"] if step > 1 else ["TryLater", "TryLater"])
    assert sending.sent.results[1].outcome == TryLater("4.4.2", "the connection was lost")
    assert sending.sent.broken


def test_closed_in_the_middle_of_the_message() -> None:
    stage = opened("PIPELINING")
    sending = stage.send(message(octets=LARGE))
    stage.wire.full = BLOCK_OCTETS
    said(stage, "250 ok", "250 ok", "354 go")
    stage.closes()
    assert sending.kinds() == ["TryLater"]
    assert sending.sent.broken


@pytest.mark.parametrize("end", ["421 4.4.2 too slow", ""])
def test_gone_while_the_message_was_made_ready(end: str) -> None:
    ready: Deferred[bytes] = Deferred()

    async def prepare(form: str) -> bytes:
        return await ready

    stage = opened()
    sending = stage.send(message(prepare=prepare))
    if end:
        said(stage, end)
    else:
        stage.closes()
    ready.callback(b"x\r\n")
    assert sending.codes() == [421 if end else 0]
    assert sending.sent.results[0].reply == (end or "the server closed the connection")
    assert sending.sent.broken


def test_250_and_gone() -> None:
    stage = opened()
    sending = stage.send(message())
    said(stage, "250 ok", "250 ok", "354 go", "250 2.0.0 queued")
    stage.closes()
    assert sending.kinds() == ["Delivered"]
    assert not stage.connection.idle()
    assert stage.send(message()).kinds() == ["TryLater"]


def test_every_second_recipient_refused() -> None:
    stage = opened()
    sending = stage.send(message(*[f"r{number}@y.example" for number in range(100)]))
    stage.says("250 ok", *["250 ok", "550 5.1.1 no"] * 50, "354 go")
    said(stage, "250 2.0.0 queued")
    assert sending.codes() == [250, 550] * 50
    assert [type(each.outcome) for each in sending.sent.results] == [Delivered, Refused] * 50
    assert stage.connection.idle()


# What is said.


def test_text_is_cleaned() -> None:
    stage = opened()
    sending = stage.send(message())
    stage.sends(b"550-5.1.1 \x1b]0;owned\x07 no\r\n550 5.1.1 \xff\x00 such\tuser\r\n550 x\r\n550 x\r\n")
    assert sending.sent.results[0].reply == "550 5.1.1 ?]0;owned? no ?? such user"


def given_up(stage: Stage, running: Running) -> None:
    running.deferred.cancel()


@pytest.mark.parametrize("end", [given_up, lambda stage, _: stage.connection.abort()])
def test_given_up_by_ourselves(end: Callable[[Stage, Running], None]) -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example"))
    said(stage, "250 ok")
    end(stage, sending)
    assert sending.kinds() == ["TryLater", "TryLater"]
    assert sending.sent.broken
    assert stage.wire.aborted
