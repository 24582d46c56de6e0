"""What the peer's offer makes of a message: its form, its parameters, and what cannot be sent there at all."""

from __future__ import annotations

import pytest

from mailserverd.interfaces.mail_transport import CannotDowngrade, Recipient
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.smtp.sending.letter import is_faulty
from mailserverd.wire.smtp.client.stuffing import BLOCK_OCTETS
from tests.smtp.sending.stage import ALL, BODY, message, opened


def envelope(stage: object) -> list[bytes]:
    return stage.heard().split(b"\r\n")[:-1]  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("body", "offer", "form", "parameter"),
    [
        ("7BIT", ["8BITMIME"], "8BITMIME", b""),
        ("8BITMIME", ["8BITMIME"], "8BITMIME", b" BODY=8BITMIME"),
        ("8BITMIME", [], "7BIT", b""),
        ("8BITMIME", ["BINARYMIME", "CHUNKING"], "7BIT", b""),
        ("BINARYMIME", ["8BITMIME", "BINARYMIME", "CHUNKING"], "BINARYMIME", b" BODY=BINARYMIME"),
        ("BINARYMIME", ["8BITMIME", "CHUNKING"], "8BITMIME", b" BODY=8BITMIME"),
        ("BINARYMIME", ["8BITMIME", "BINARYMIME"], "8BITMIME", b" BODY=8BITMIME"),
        ("BINARYMIME", [], "7BIT", b""),
    ],
)
def test_the_form_that_is_asked_for(body: str, offer: list[str], form: str, parameter: bytes) -> None:
    asked = []

    async def prepare(wanted: str) -> bytes:
        asked.append(wanted)
        return BODY

    stage = opened("PIPELINING", *offer)
    stage.send(message(body=body, prepare=prepare))
    assert asked == [form]
    assert envelope(stage)[0] == b"MAIL FROM:<a@x.example>" + parameter


BINARY = bytes(range(256)) * 4 + b"\r\n.\r\n"


@pytest.mark.parametrize("octets", [BINARY, BINARY * 200, b""])
def test_binary_goes_by_bdat(octets: bytes) -> None:
    stage = opened("PIPELINING", "8BITMIME", "BINARYMIME", "CHUNKING")
    sending = stage.send(message(octets=octets, body="BINARYMIME"))
    assert envelope(stage) == [b"MAIL FROM:<a@x.example> BODY=BINARYMIME", b"RCPT TO:<b@y.example>"]
    stage.says("250 ok", "250 ok")
    assert stage.heard() == b"BDAT %d LAST\r\n" % len(octets) + octets
    stage.says("250 2.0.0 ok")
    assert sending.codes() == [250]
    assert stage.connection.idle()


def test_a_chunk_that_is_refused_is_followed_by_reset() -> None:
    stage = opened("PIPELINING", "BINARYMIME", "CHUNKING")
    sending = stage.send(message(octets=BINARY, body="BINARYMIME"))
    stage.says("250 ok", "250 ok")
    stage.heard()
    stage.says("552 5.3.4 too much")
    assert stage.heard() == b"RSET\r\n"  # RFC 3030 §2: the state after a failed BDAT is not known
    stage.says("250 ok")
    assert sending.codes() == [552]
    assert stage.connection.idle()


def test_no_chunk_goes_where_nobody_takes_it() -> None:
    stage = opened("PIPELINING", "BINARYMIME", "CHUNKING")
    sending = stage.send(message(octets=BINARY, body="BINARYMIME"))
    stage.heard()
    stage.says("250 ok", "550 5.1.1 no")
    assert stage.heard() == b"RSET\r\n"
    stage.says("250 ok")
    assert sending.codes() == [550]


def test_lmtp_by_bdat() -> None:
    stage = opened("BINARYMIME", "CHUNKING", protocol="lmtp")
    sending = stage.send(message("a@y.example", "b@y.example", octets=BINARY, body="BINARYMIME"))
    for said in ("250 ok", "250 ok", "250 ok"):
        stage.says(said)
    assert stage.heard().endswith(BINARY)
    stage.says("250 ok", "452 4.2.2 full")
    stage.says("250 reset")
    assert sending.codes() == [250, 452]
    assert stage.connection.idle()


def refused(status: str, outcome: object) -> bool:
    return isinstance(outcome, Refused) and outcome.status == status


@pytest.mark.parametrize(("declared", "octets"), [(100_001, BODY), (5, b"x\r\n" * 40_000)])
def test_too_large_for_the_peer(declared: int, octets: bytes) -> None:
    stage = opened(*ALL)
    sending = stage.send(message(size=declared, octets=octets))
    assert refused("5.3.4", sending.sent.results[0].outcome)
    assert stage.heard() == b""
    assert stage.connection.idle()


@pytest.mark.parametrize("octets", [b"a\nb\r\n", b"a\r\n.\n", b"a\rb\r\n", b"a\0b\r\n", b"a\r\n.\r"])
def test_what_could_end_a_message_elsewhere_is_not_sent_by_data(octets: bytes) -> None:
    stage = opened()
    sending = stage.send(message(octets=octets))
    assert refused("5.6.0", sending.sent.results[0].outcome)
    assert stage.heard() == b""


@pytest.mark.parametrize("fault", [b"\n", b"\r", b"\0"])
@pytest.mark.parametrize("place", [0, 4 * BLOCK_OCTETS - 1, 4 * BLOCK_OCTETS, 4 * BLOCK_OCTETS + 1, 5 * BLOCK_OCTETS])
def test_the_same_in_a_large_message(fault: bytes, place: int) -> None:
    good = b"x" * (4 * BLOCK_OCTETS - 1) + b"\r\n" + b"y" * BLOCK_OCTETS
    assert not is_faulty(good)
    assert is_faulty(good[:place] + fault + good[place:])
    assert is_faulty(good + b"\r")
    assert not is_faulty(good + b"\r\n")


def test_a_message_that_cannot_be_made_less() -> None:
    async def prepare(form: str) -> bytes:
        raise CannotDowngrade("a signature would break")

    stage = opened("PIPELINING")
    sending = stage.send(message(prepare=prepare))
    assert sending.sent.results[0].outcome == Refused("5.6.3", "a signature would break")
    assert stage.connection.idle()


def test_a_message_that_cannot_be_made_now(caplog: pytest.LogCaptureFixture) -> None:
    async def prepare(form: str) -> bytes:
        raise OSError("disk")

    stage = opened("PIPELINING")
    sending = stage.send(message(prepare=prepare))
    assert sending.sent.results[0].outcome == TryLater("4.3.0", "local error")
    assert not sending.sent.broken
    assert stage.connection.idle()


def test_dsn_parameters_go_where_they_are_understood() -> None:
    recipients = [Recipient("b@y.example", "FAILURE", "rfc822;b+2Bc@y.example"), Recipient("c@y.example", "NEVER")]
    stage = opened("PIPELINING", "DSN")
    sending = stage.send(message(recipients=recipients, ret="HDRS", envid="a b"))
    assert envelope(stage)[:3] == [
        b"MAIL FROM:<a@x.example> RET=HDRS ENVID=a+20b",
        b"RCPT TO:<b@y.example> NOTIFY=FAILURE ORCPT=rfc822;b+2Bc@y.example",
        b"RCPT TO:<c@y.example> NOTIFY=NEVER",
    ]
    stage.says("250 ok", "250 ok", "250 ok", "354 go")
    stage.says("250 ok")
    assert [each.sent_dsn for each in sending.sent.results] == [True, True]

    stage = opened("PIPELINING")
    sending = stage.send(message(recipients=recipients, ret="HDRS", envid="a b"))
    assert envelope(stage)[:3] == [
        b"MAIL FROM:<a@x.example>",
        b"RCPT TO:<b@y.example>",
        b"RCPT TO:<c@y.example>",
    ]
    stage.says("250 ok", "250 ok", "250 ok", "354 go")
    stage.says("250 ok")
    assert [each.sent_dsn for each in sending.sent.results] == [False, False]


def test_priority_and_deliver_by() -> None:
    stage = opened("PIPELINING", "MT-PRIORITY", "DELIVERBY 60")
    stage.send(message(priority=-3, deliver_by=(120, "R")))
    assert envelope(stage)[0] == b"MAIL FROM:<a@x.example> MT-PRIORITY=-3 BY=120;R"
    stage = opened("PIPELINING")
    stage.send(message(priority=-3, deliver_by=(120, "N")))
    assert envelope(stage)[0] == b"MAIL FROM:<a@x.example>"


def test_requiretls_without_tls() -> None:
    stage = opened("PIPELINING", "REQUIRETLS")
    sending = stage.send(message(require_tls=True))
    assert refused("5.7.30", sending.sent.results[0].outcome)
    assert stage.heard() == b""


# SMTPUTF8 (RFC 6531).

UTF8_BODY = "Subject: grüße\r\n\r\nx\r\n".encode()


def test_smtputf8_where_it_is_offered() -> None:
    stage = opened("PIPELINING", "8BITMIME", "SMTPUTF8")
    stage.send(message("ü@münchen.example", sender="ä@x.example", octets=UTF8_BODY, smtputf8=True))
    assert envelope(stage)[:2] == [
        "MAIL FROM:<ä@x.example> BODY=8BITMIME SMTPUTF8".encode(),
        "RCPT TO:<ü@münchen.example>".encode(),
    ]


def test_smtputf8_is_needed_and_not_offered() -> None:
    for given in (
        {"octets": UTF8_BODY, "smtputf8": True},
        {"sender": "ä@x.example", "smtputf8": True},
        {"sender": "ä@x.example"},
    ):
        stage = opened("PIPELINING", "8BITMIME")
        sending = stage.send(message(**given))  # type: ignore[arg-type]
        assert refused("5.6.7", sending.sent.results[0].outcome)
        assert stage.heard() == b""


def test_smtputf8_was_asked_for_and_is_not_needed() -> None:
    stage = opened("PIPELINING", "8BITMIME")
    stage.send(message("b@münchen.example", smtputf8=True, octets="Subject: x\r\n\r\nüber\r\n".encode()))
    assert envelope(stage)[:2] == [
        b"MAIL FROM:<a@x.example> BODY=8BITMIME",
        b"RCPT TO:<b@xn--mnchen-3ya.example>",
    ]


def test_only_who_needs_smtputf8_is_refused() -> None:
    stage = opened("PIPELINING", "8BITMIME")
    sending = stage.send(message("ü@y.example", "b@y.example", smtputf8=True))
    assert envelope(stage)[1:] == [b"RCPT TO:<b@y.example>", b"DATA"]
    stage.says("250 ok", "250 ok", "354 go")
    stage.says("250 ok")
    assert refused("5.6.7", sending.sent.results[0].outcome)
    assert sending.codes() == [0, 250]


# Addresses.


@pytest.mark.parametrize(
    "address",
    ["b@y.example>\r\nRCPT TO:<evil@z.example", "b\r\nDATA\r\n@y.example", "b@y.example\n", "", "b c", "b@y..z"],
)
def test_nothing_is_injected_by_an_address(address: str) -> None:
    stage = opened()
    sending = stage.send(message(address, "c@y.example"))
    assert envelope(stage)[1:] == [b"RCPT TO:<c@y.example>", b"DATA"]
    stage.says("250 ok", "250 ok", "354 go")
    stage.says("250 ok")
    assert refused("5.1.3", sending.sent.results[0].outcome)
    assert sending.codes() == [0, 250]


def test_nothing_is_injected_by_the_sender_or_a_parameter() -> None:
    stage = opened("PIPELINING", "DSN")
    assert refused("5.1.7", stage.send(message(sender="a@x.example>\r\nDATA")).sent.results[0].outcome)
    bad = [Recipient("b@y.example", "NEVER\r\nDATA"), Recipient("b@y.example", "", "rfc822;x y")]
    sending = stage.send(message(recipients=bad))
    assert [refused("5.1.3", each.outcome) for each in sending.sent.results] == [True, True]
    assert refused("5.1.7", stage.send(message(ret="X Y")).sent.results[0].outcome)
    assert stage.heard() == b""
    assert stage.connection.idle()


def test_limits_of_the_peer() -> None:
    stage = opened("PIPELINING", "LIMITS RCPTMAX=2 MAILMAX=2")
    sending = stage.send(message("b@y.example", "c@y.example", "d@y.example", "e@y.example", "f@y.example"))
    assert stage.heard().count(b"RCPT") == 2
    stage.says("250 ok", "250 ok", "250 ok", "354 go")
    stage.says("250 first")
    assert envelope(stage)[-4:-1] == [
        b"MAIL FROM:<a@x.example>",
        b"RCPT TO:<d@y.example>",
        b"RCPT TO:<e@y.example>",
    ]
    stage.says("250 ok", "250 ok", "550 5.1.1 no", "354 go")
    stage.says("250 second")
    assert sending.codes() == [250, 250, 250, 550, 0]
    assert sending.sent.results[2].reply == "250 second"
    why = "the server takes no more recipients at present"
    assert sending.sent.results[4].outcome == TryLater("4.5.3", why)
    assert not sending.sent.broken
    assert not stage.connection.idle()


@pytest.mark.parametrize("no", ["452 4.5.3 too many", "552 5.5.3 too many", "452 Too many recipients here"])
def test_too_many_recipients_are_asked_for_again_at_once(no: str) -> None:
    stage = opened()
    sending = stage.send(message("b@y.example", "c@y.example", "d@y.example"))
    stage.heard()
    stage.says("250 ok", "250 ok", no, no, "354 go")
    assert stage.heard() == BODY + b".\r\n"
    stage.says("250 first")
    assert stage.heard().count(b"RCPT") == 2
    stage.says("250 ok", "250 ok", no, "354 go")
    stage.says("250 second")
    stage.says("250 ok", no, "503 nobody")  # no progress: it is the end
    stage.says("250 reset")
    assert sending.codes() == [250, 250, int(no[:3])]
    assert sending.kinds() == ["Delivered", "Delivered", "TryLater"]
    assert stage.connection.idle()


def test_a_refusal_in_a_later_round_leaves_the_first_as_it_was() -> None:
    stage = opened("PIPELINING", "LIMITS RCPTMAX=1")
    sending = stage.send(message("b@y.example", "c@y.example", "d@y.example"))
    stage.says("250 ok", "250 ok", "354 go")
    stage.says("250 first")
    stage.says("421 4.7.0 enough")
    assert sending.codes() == [250, 421, 421]
    assert sending.sent.broken


def test_a_hundred_thousand_recipients_are_many_but_no_trouble() -> None:
    stage = opened("PIPELINING")
    count = 100_000
    sending = stage.send(message(*[f"r{number}@y.example" for number in range(count)]))
    assert stage.heard().count(b"RCPT") == count
    for _ in range(count // 1000):
        stage.says(*["250 ok"] * 1000)
    stage.says("250 ok", "354 go")
    stage.says("250 ok")
    assert len(sending.sent.results) == count
    assert set(sending.codes()) == {250}


def test_a_block_goes_in_one_write_and_more_in_several() -> None:
    stage = opened("PIPELINING")
    for octets, writes in ((b"x" * (BLOCK_OCTETS - 2) + b"\r\n", 1), (b"x" * BLOCK_OCTETS + b"\r\n", 3)):
        stage.send(message(octets=octets))
        stage.wire.writes.clear()
        stage.says("250 ok", "250 ok", "354 go")
        assert len(stage.wire.writes) == writes
        stage.says("250 ok")
