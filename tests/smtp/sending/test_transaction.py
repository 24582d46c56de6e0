"""What is said for a message, and what each recipient gets of it, with a peer that keeps the rules."""

import pytest

from mailserverd.model.outcome import Delivered, Refused, TryLater
from mailserverd.wire.smtp.client.stuffing import BLOCK_OCTETS, data_form
from tests.smtp.sending.stage import BODY, Running, message, opened


def test_one_write_for_the_envelope_and_one_for_the_message() -> None:
    stage = opened()
    stage.wire.writes.clear()
    sending = stage.send(message("b@y.example", "c@y.example"))
    assert stage.heard() == (
        b"MAIL FROM:<a@x.example> SIZE=25 BODY=8BITMIME\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA\r\n"
    )
    stage.says("250 ok", "250 ok", "250 ok", "354 go")
    assert stage.heard() == BODY + b".\r\n"
    assert len(stage.wire.writes) == 2
    assert not sending.done
    assert not stage.connection.idle()
    stage.says("250 2.0.0 queued as 1")
    where = "mx.example[192.0.2.25]:25"
    assert [(each.outcome, each.code, each.reply) for each in sending.sent.results] == [
        (Delivered(where), 250, "250 2.0.0 queued as 1")
    ] * 2
    assert not sending.sent.broken
    assert stage.connection.idle()


def test_step_by_step_without_pipelining() -> None:
    stage = opened("8BITMIME")
    sending = stage.send(message("b@y.example", "c@y.example", sender=""))
    for heard, said in (
        (b"MAIL FROM:<> BODY=8BITMIME\r\n", "250 ok"),
        (b"RCPT TO:<b@y.example>\r\n", "550 5.1.1 no"),
        (b"RCPT TO:<c@y.example>\r\n", "250 ok"),
        (b"DATA\r\n", "354 go"),
        (BODY + b".\r\n", "250 ok"),
    ):
        assert stage.heard() == heard
        stage.says(said)
    assert sending.codes() == [550, 250]
    assert stage.connection.idle()


def test_many_messages_on_a_connection() -> None:
    stage = opened()
    for _ in range(3):
        sending = stage.send(message())
        stage.says("250 ok", "250 ok", "354 go")
        stage.says("250 ok")
        assert sending.codes() == [250]
    assert stage.heard().count(b"MAIL FROM") == 3
    stage.says("421 4.4.2 idle for too long")
    assert not stage.connection.idle()
    assert stage.wire.aborted


def test_a_connection_that_was_closed_takes_no_message() -> None:
    stage = opened()
    stage.closes()
    assert not stage.connection.idle()
    sending = stage.send(message())
    assert sending.sent.broken
    assert sending.kinds() == ["TryLater"]


def test_mail_refused() -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example"))
    stage.says("550 5.7.1 not from you", "503 need MAIL", "503 need MAIL", "503 need MAIL")
    assert [each.outcome for each in sending.sent.results] == [Refused("5.7.1", "550 5.7.1 not from you")] * 2
    assert stage.connection.idle()


def test_every_recipient_refused_and_data_too_then_reset() -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example"))
    stage.heard()
    stage.says("250 ok", "550 5.1.1 no", "450 4.2.1 greylisted", "554 no valid recipients")
    assert stage.heard() == b"RSET\r\n"
    assert not sending.done
    stage.says("250 reset")
    assert [type(each.outcome) for each in sending.sent.results] == [Refused, TryLater]
    assert sending.codes() == [550, 450]
    assert stage.connection.idle()


def test_every_recipient_refused_and_354_gets_an_empty_message() -> None:
    stage = opened()
    sending = stage.send(message())
    stage.heard()
    stage.says("250 ok", "550 5.1.1 no", "354 go")
    assert stage.heard() == b".\r\n"
    stage.says("554 no recipients")
    assert sending.codes() == [550]
    assert stage.connection.idle()


def test_data_refused() -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example"))
    stage.heard()
    stage.says("250 ok", "250 ok", "550 5.1.1 no", "451 4.3.0 not now")
    assert stage.heard() == b"RSET\r\n"
    stage.says("250 ok")
    assert sending.codes() == [451, 550]


@pytest.mark.parametrize(("code", "kind"), [("451 4.3.0 full", "TryLater"), ("554 5.7.1 spam", "Refused")])
def test_the_message_refused_at_its_end(code: str, kind: str) -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example"))
    stage.says("250 ok", "250 ok", "250 ok", "354 go")
    stage.says(code)
    assert sending.kinds() == [kind, kind]
    assert stage.connection.idle()


def test_reset_refused_ends_the_connection() -> None:
    stage = opened()
    sending = stage.send(message())
    stage.says("250 ok", "550 no", "554 no")
    stage.says("502 what")
    assert sending.sent.broken
    assert not stage.connection.idle()


def test_lmtp_has_a_reply_for_each_recipient() -> None:
    stage = opened("PIPELINING", protocol="lmtp")
    sending = stage.send(message("a@y.example", "b@y.example", "c@y.example", "d@y.example"))
    stage.says("250 ok", "250 ok", "550 5.1.1 no", "250 ok", "250 ok", "354 go")
    stage.says("250 2.0.0 in", "452 4.2.2 full")
    assert not sending.done
    stage.says("554 5.6.0 bad")
    assert sending.codes() == [250, 550, 452, 554]
    assert stage.connection.idle()


def test_lmtp_closed_between_the_replies() -> None:
    stage = opened("PIPELINING", protocol="lmtp")
    sending = stage.send(message("a@y.example", "b@y.example"))
    stage.says("250 ok", "250 ok", "250 ok", "354 go")
    stage.says("250 2.0.0 in")
    stage.closes()
    assert sending.codes() == [250, 0]
    assert sending.kinds() == ["Delivered", "TryLater"]
    assert sending.sent.broken


def test_a_large_message_goes_as_the_peer_takes_it() -> None:
    octets = b"Subject: x\r\n\r\n" + (b".dots\r\n" + b"y" * 70 + b"\r\n") * 20_000
    stage = opened("PIPELINING", "8BITMIME")
    sending = stage.send(message(octets=octets))
    stage.heard()
    stage.wire.full = BLOCK_OCTETS
    stage.says("250 ok", "250 ok", "354 go")
    got = b""
    most = 0
    while stage.wire.value():
        most = max(most, len(stage.wire.value()))
        got += stage.wire.drained()
        stage.passes(1)
    assert got == data_form(octets)
    assert most < 3 * BLOCK_OCTETS
    stage.says("250 ok")
    assert sending.codes() == [250]
    assert stage.connection.idle()


def test_quit() -> None:
    stage = opened()
    closing = Running(stage.connection.close())
    assert closing.done
    assert stage.heard() == b"QUIT\r\n"
    assert stage.wire.disconnecting
    assert not stage.connection.idle()
    stage.passes(3)
    assert stage.wire.aborted
