"""imap/turns.py"""

from twisted.internet.task import Clock

from mailserverd.imap.turns import AT_ONCE, NEW_ROUNDS, TURN_SECONDS, Turns

LONG = 10 * TURN_SECONDS


def turn(clock: Clock) -> None:
    """One round of the reactor. (Clock.advance would run what is scheduled in it too.)"""
    [call] = clock.getDelayedCalls()
    go_on = call.func  # type: ignore[attr-defined]
    call.cancel()
    go_on()


def waits(turns: Turns, clock: Clock, heard: list[str], name: str, begun: bool = True, work: float = 0.0) -> None:
    def go_on(_: None) -> None:
        heard.append(name)
        clock.rightNow += work

    turns.next(begun).addCallback(go_on)


def test_a_turn_is_over_when_work_went_on_without_a_pause() -> None:
    clock = Clock()
    turns = Turns(clock)
    step = TURN_SECONDS / 100
    for _ in range(100):
        assert not turns.is_over()
        clock.advance(step)
    clock.advance(step)
    assert turns.is_over()
    clock.advance(TURN_SECONDS)  # nobody worked: others were heard
    assert not turns.is_over()


def test_what_a_command_took_is_no_pause() -> None:
    clock = Clock()
    turns = Turns(clock)
    turns.is_over()
    clock.advance(2 * TURN_SECONDS)
    turns.worked()
    assert turns.is_over()


def test_first_come_first_served_and_no_longer_than_a_turn() -> None:
    clock = Clock()
    turns, heard = Turns(clock), list[str]()
    for name in "abc":
        waits(turns, clock, heard, name, work=LONG)
    turn(clock)
    assert heard == ["a"]
    turn(clock)
    turn(clock)
    assert heard == ["a", "b", "c"]
    assert not clock.getDelayedCalls()


def test_who_is_new_waits_for_those_that_have_begun_but_not_for_ever() -> None:
    clock = Clock()
    turns, heard = Turns(clock), list[str]()
    for _ in range(AT_ONCE + NEW_ROUNDS):
        waits(turns, clock, heard, "begun", work=LONG)
    assert turns.is_full()
    waits(turns, clock, heard, "new", begun=False, work=LONG)
    for _ in range(NEW_ROUNDS - 1):
        turn(clock)
    assert set(heard) == {"begun"}
    turn(clock)
    assert heard[-1] == "new"
