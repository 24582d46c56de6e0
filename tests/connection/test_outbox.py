"""What one turn has to say goes out at its end, in order."""

from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mailserverd.connection.outbox import Outbox
from tests.connection.test_prompt_write import Ends


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_replies_wait_for_the_end_of_the_turn_and_keep_their_order(ends: Ends) -> None:
    clock = Clock()
    outbox = Outbox(clock)
    outbox.write(ends.transport, b"250 one\r\n")
    outbox.write(ends.transport, b"250 two\r\n")
    assert ends.got() == b""
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(0)
    assert ends.got() == b"250 one\r\n250 two\r\n"
    outbox.write(ends.transport, b"250 three\r\n")
    clock.advance(0)
    assert ends.got() == b"250 three\r\n"


def test_flush_is_for_what_cannot_wait(ends: Ends) -> None:
    clock = Clock()
    outbox = Outbox(clock)
    outbox.write(ends.transport, b"first")
    outbox.flush()
    assert ends.got() == b"first"
    clock.advance(0)
    assert ends.got() == b""


def test_what_is_no_plain_socket_is_written_at_once() -> None:
    transport = StringTransport()
    Outbox(Clock()).write(transport, b"250 ok\r\n")
    assert transport.value() == b"250 ok\r\n"
