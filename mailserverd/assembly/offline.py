"""Work on the store while the server is down: take the lock, open the backends, do it, close them.

Standing rules: whoever does not get the lock does nothing (DataInUse: the server runs, ask it over the admin
socket); the reactor is a private one that is never installed, so a process may work offline more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.python.failure import Failure

from mailserverd.assembly.data_lock import DataLock
from mailserverd.assembly.embedded import Backends, open_embedded
from mailserverd.config.schema import Config
from mailserverd.telemetry.metrics import Metrics

T = TypeVar("T")


def offline(config: Config, work: Callable[[Backends, Any], Coroutine[Deferred[Any], Any, T]]) -> T:
    """The result of work(backends, reactor). Raises DataInUse, OSError, UnusableStore, and what work raises."""
    lock = DataLock(config.server.data_directory)
    try:
        return run_in_reactor(lambda reactor: _with_backends(config, work, reactor))
    finally:
        lock.release()


async def _with_backends(
    config: Config, work: Callable[[Backends, Any], Coroutine[Deferred[Any], Any, T]], reactor: Any
) -> T:
    backends = await open_embedded(config, reactor, Metrics())
    try:
        return await work(backends, reactor)
    finally:
        await backends.close()


def run_in_reactor(work: Callable[[Any], Coroutine[Deferred[Any], Any, T]]) -> T:
    """Run a reactor until work(reactor) is done."""
    reactor: Any = EPollReactor()
    outcome: list[T | Failure] = []

    def begin() -> None:
        done = Deferred.fromCoroutine(work(reactor))
        done.addBoth(outcome.append)
        done.addBoth(lambda nothing: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]
