"""connection/by_hand.py: what is there at once, what comes later, what fails, and what is let go."""

import gc
import weakref

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from mailserverd.connection.by_hand import begin


class Held:
    """Something that a command holds."""


def test_what_never_waits_is_there_at_once() -> None:
    async def command() -> bytes:
        return b"a" + await succeed(b"b")

    assert begin(command(), [].append) == b"ab"


def test_an_error_is_given_and_not_raised() -> None:
    async def command() -> bytes:
        raise KeyError("x")

    result = begin(command(), [].append)
    assert isinstance(result, Failure)
    assert result.check(KeyError)


def test_what_waits_is_told_once_it_has_ended() -> None:
    first: Deferred[bytes] = Deferred()
    second: Deferred[bytes] = Deferred()

    async def command() -> bytes:
        return await first + await second

    told: list[bytes | Failure] = []
    assert begin(command(), told.append) is None
    first.callback(b"a")
    assert told == []
    second.callback(b"b")
    assert told == [b"ab"]


def test_a_failure_is_the_commands_to_deal_with() -> None:
    waits: Deferred[bytes] = Deferred()

    async def command() -> bytes:
        try:
            return await waits
        except KeyError:
            return b"mended"

    told: list[bytes | Failure] = []
    assert begin(command(), told.append) is None
    waits.errback(KeyError())
    assert told == [b"mended"]


def test_an_error_after_a_wait_is_told_and_holds_nothing() -> None:
    waits: Deferred[bytes] = Deferred()
    seen: list[type[BaseException] | None] = []

    async def command(held: Held, waits: Deferred[bytes]) -> bytes:
        await waits
        return repr(held).encode()

    held = Held()
    gone = weakref.ref(held)
    assert (
        begin(command(held, waits), lambda ended: seen.append(ended.type if isinstance(ended, Failure) else None))
        is None
    )
    del held
    gc.disable()
    try:
        waits.errback(KeyError())
        assert seen == [KeyError]
        assert gone() is None, "no garbage collection is needed"
    finally:
        gc.enable()
