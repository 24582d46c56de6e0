"""Work off the reactor's thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.threads import deferToThreadPool

A = TypeVar("A")
T = TypeVar("T")


class InThread(Protocol):
    """Runs a function of one argument off the reactor's thread."""

    def __call__(self, function: Callable[[A], T], argument: A, /) -> Awaitable[T]: ...


def in_thread(reactor: Any) -> InThread:
    def run(function: Callable[[A], T], argument: A, /) -> Awaitable[T]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), function, argument)

    return run
