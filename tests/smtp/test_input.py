"""smtp/input.py: lines however they come, lines that are too long, octets of messages between them."""

import pytest

from mailserverd.smtp import replies
from mailserverd.smtp.input import MAX_SKIPPED_OCTETS, Input
from mailserverd.smtp.session import After, Session
from mailserverd.wire.smtp.command import MAX_LINE_OCTETS
from tests.smtp.doubles import Client, House


@pytest.fixture
def session(house: House) -> Session:
    client = Client(house)
    client.greet()
    assert client.server._session is not None
    return client.server._session


def test_a_line_is_answered_once_its_end_has_come(session: Session) -> None:
    coming = Input()
    for piece in (b"NO", b"OP", b"\r"):
        coming.add(piece)
        assert coming.answer(session) is None
    coming.add(b"\nNOOP\r\nQ")
    assert [coming.answer(session), coming.answer(session), coming.answer(session)] == [
        replies.NOOP_OK,
        replies.NOOP_OK,
        None,
    ]
    assert coming.waiting == 1


def test_what_was_used_up_is_forgotten(session: Session) -> None:
    coming = Input()
    coming.add(b"NOOP\r\nRSET\r\n")
    coming.answer(session)
    assert coming.waiting == 6
    coming.settle()
    assert coming.waiting == 6
    coming.drop()
    assert coming.waiting == 0
    assert coming.answer(session) is None


@pytest.mark.parametrize("end", [b"\r\n", None])
def test_a_line_that_is_too_long_is_refused_once(session: Session, end: bytes | None) -> None:
    coming = Input()
    coming.add(b"x" * (MAX_LINE_OCTETS + 1) + (end or b""))
    if end is None:
        assert coming.answer(session) is None
        assert coming.waiting == 0
        coming.add(b"yy\r")
        assert coming.answer(session) is None
        assert coming.waiting == 1, "half a line end"
        coming.add(b"\n")
    assert coming.answer(session) == replies.LINE_TOO_LONG
    coming.add(b"NOOP\r\n")
    assert coming.answer(session) == replies.NOOP_OK


def test_a_line_for_ever_ends_the_session(session: Session) -> None:
    coming = Input()
    for _ in range(MAX_SKIPPED_OCTETS // 65536):
        coming.add(b"x" * 65536)
        assert coming.answer(session) is None
    coming.add(b"x")
    assert coming.answer(session) == replies.LINE_TOO_LONG
    assert session.after is After.CLOSE


def test_what_carries_a_login_may_be_longer(session: Session) -> None:
    coming = Input()
    coming.add(b"auth PLAIN " + b"x" * MAX_LINE_OCTETS)
    assert coming.answer(session) is None
    assert coming.waiting == MAX_LINE_OCTETS + 11, "kept"


def test_octets_of_a_message_are_passed_on_and_what_follows_is_a_line(house: House) -> None:
    client = Client(house)
    client.begin()
    session = client.server._session
    assert session is not None
    coming = Input()
    coming.add(b"Subject: x\r\n\r\n" + b"y" * 5000)
    assert coming.answer(session) is None
    assert coming.waiting == 0, "the receiver has them"
    coming.add(b"\r\n.\r\nNOOP\r\n")
    delivery = coming.answer(session)
    assert delivery is not None
    assert not isinstance(delivery, bytes)
    delivery.close()
    assert coming.answer(session) == replies.NOOP_OK


def test_a_header_before_the_greeting_is_skipped(session: Session) -> None:
    coming = Input()
    coming.add(b"PROXY x\r\nNOOP\r\n")
    assert coming.before_greeting() == b"PROXY x\r\nNOOP\r\n"
    coming.skip(9)
    assert coming.waiting == 6
    assert coming.answer(session) == replies.NOOP_OK
