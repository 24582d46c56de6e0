"""OffReactor: the threads in which this backend waits for the disk."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class OffReactor(Protocol):
    async def run(self, work: Callable[[], T]) -> T: ...
