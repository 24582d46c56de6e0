"""The deadline of a connection moves with what the client does, and its one timer follows."""

from pathlib import Path

import pytest
from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock

from mailserverd.smtp.deadline import CLOSING_SECONDS, MESSAGE_SECONDS, PROXY_SECONDS, Deadline
from mailserverd.smtp.settings import SMTP, settings_of
from tests.smtp.doubles import House

COMMAND, DATA, STALLED = 20, 30, 40


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def passed() -> list[float]:
    return []


@pytest.fixture
def deadline(clock: Clock, passed: list[float], tmp_path: Path) -> Deadline:
    timeouts = {"command_timeout_seconds": COMMAND, "data_timeout_seconds": DATA}
    config = House(tmp_path, smtp=timeouts, limits={"stalled_client_seconds": STALLED}).config
    return Deadline(clock, settings_of(config, SMTP), lambda: passed.append(clock.seconds()))


def advance(clock: Clock, seconds: int) -> None:
    clock.pump([1.0] * seconds)


def test_the_first_octets(clock: Clock, deadline: Deadline, passed: list[float]) -> None:
    advance(clock, 100)
    assert passed[:2] == [PROXY_SECONDS, PROXY_SECONDS + CLOSING_SECONDS]


def test_a_command(clock: Clock, deadline: Deadline, passed: list[float]) -> None:
    for _ in range(5):
        deadline.for_command()
        advance(clock, COMMAND - 1)
    assert not passed
    advance(clock, 2)
    assert passed


def test_octets_of_a_message_move_it_but_not_for_ever(clock: Clock, deadline: Deadline, passed: list[float]) -> None:
    while not passed and clock.seconds() < 10_000:
        deadline.for_message(1024 * 100)
        advance(clock, DATA - 1)
    assert MESSAGE_SECONDS + 100 - 1 <= passed[0] <= MESSAGE_SECONDS + 100 + DATA


def test_the_next_message_has_its_own_time(clock: Clock, deadline: Deadline, passed: list[float]) -> None:
    for _ in range(3):
        for _ in range(15):
            deadline.for_message(0)
            advance(clock, DATA - 2)
        deadline.for_command()
    assert not passed


def test_reading_going_and_our_own_work(clock: Clock, deadline: Deadline, passed: list[float]) -> None:
    deadline.none()
    advance(clock, 10_000)
    assert not passed
    deadline.for_reading()
    advance(clock, STALLED - 1)
    assert not passed
    deadline.for_going()
    advance(clock, int(CLOSING_SECONDS) - 1)
    assert not passed
    advance(clock, 2)
    assert len(passed) == 1


def test_the_end_leaves_no_timer(clock: Clock, deadline: Deadline) -> None:
    assert len(clock.getDelayedCalls()) == 1
    deadline.end()
    assert not clock.getDelayedCalls()


def test_no_timer_is_moved_ahead(clock: Clock, deadline: Deadline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twisted's reset() would look for it among the timers of all sessions."""
    monkeypatch.setattr(DelayedCall, "reset", lambda *_: pytest.fail("reset"))
    deadline.for_command()
    advance(clock, int(PROXY_SECONDS) + 1)
    deadline.for_going()
    assert [call.getTime() - clock.seconds() for call in clock.getDelayedCalls()] == [CLOSING_SECONDS]
