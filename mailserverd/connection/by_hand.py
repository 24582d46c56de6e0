"""A command's coroutine, driven by hand: one that never waits costs no Deferred and no turn of the reactor.

Standing rules: what is driven awaits Deferreds alone; a failure is let go as soon as the coroutine has seen it, for it
would hold what the command held until the garbage is collected.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def begin(coroutine: Coroutine[Deferred[Any], Any, T], ended: Callable[[T | Failure], object]) -> T | Failure | None:
    """What it returned or raised; None: it waits, and `ended` will be told."""
    try:
        waited_for = coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    except Exception:
        return Failure()
    waited_for.addBoth(_go_on, coroutine, ended)
    return None


def _go_on(result: object, coroutine: Coroutine[Deferred[Any], Any, T], ended: Callable[[T | Failure], object]) -> None:
    # The coroutine reads a result from the Deferred itself; a failure it cannot read while callbacks run.
    try:
        if isinstance(result, Failure):
            waited_for = result.throwExceptionIntoGenerator(coroutine)
        else:
            waited_for = coroutine.send(None)
    except StopIteration as done:
        ended(done.value)
    except Exception:
        ended(Failure())
    else:
        waited_for.addBoth(_go_on, coroutine, ended)
    finally:
        if isinstance(result, Failure):
            result.cleanFailure()
