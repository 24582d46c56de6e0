"""Where a message is while it is being received: in memory when small, else in a file without a name.

Standing rules: all messages being received together take at most `max_memory_bytes`; what comes above goes to files;
of those two at a time are in memory to be stored, whatever their door; a spool file has no name, so that a crash
leaves nothing behind; a full disk is remembered and told at the end of the message, never raised into the protocol.
"""

import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import BinaryIO, cast

from twisted.internet.defer import DeferredSemaphore

LARGE_AT_ONCE = 2
SMALL_OCTETS = 262_144  # a message up to this size stays in memory while there is room


InThread = Callable[[Callable[["Spooled"], bytes], "Spooled"], Awaitable[bytes]]
"""Runs a function of one argument off the reactor's thread."""


async def _here(function: Callable[["Spooled"], bytes], spooled: "Spooled") -> bytes:
    return function(spooled)


class Spool:
    """The folder and the memory that the messages of all sessions share.

    large: held by whoever has a message that lies in a file in memory as a whole.
    """

    __slots__ = ("folder", "in_thread", "large", "max_memory_bytes", "memory_bytes")

    def __init__(self, folder: Path, max_memory_bytes: int, in_thread: InThread = _here) -> None:
        self.folder = folder
        self.in_thread = in_thread
        self.max_memory_bytes = max_memory_bytes
        self.memory_bytes = 0
        self.large = DeferredSemaphore(LARGE_AT_ONCE)

    def open(self) -> "Spooled":
        return Spooled(self)


class Spooled:
    """One message. close() exactly once is enough, more do no harm."""

    __slots__ = ("_blocks", "_file", "_held", "_spool", "failed", "size")

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._blocks: list[bytes] = []
        self._held = 0
        self._file: BinaryIO | None = None
        self.size = 0
        self.failed: OSError | None = None

    def append(self, block: bytes) -> None:
        length = len(block)
        self.size += length
        if self.failed is not None:
            return
        if self._file is not None:
            self._write((block,))
            return
        self._blocks.append(block)
        self._held += length
        spool = self._spool
        spool.memory_bytes += length
        if self._held > SMALL_OCTETS or spool.memory_bytes > spool.max_memory_bytes:
            self._to_file()

    def _to_file(self) -> None:
        try:
            self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._spool.folder, buffering=0))  # noqa: SIM115
        except OSError as error:
            self.failed = error
        else:
            self._write(self._blocks)
        self._release()

    def _write(self, blocks: Iterable[bytes]) -> None:
        """A disk that is nearly full takes a part of a block: octets() finds that out."""
        assert self._file is not None
        try:
            for block in blocks:
                self._file.write(block)
        except OSError as error:
            self.failed = error

    def _release(self) -> None:
        self._spool.memory_bytes -= self._held
        self._held = 0
        self._blocks = []

    def octets(self) -> bytes:
        """The whole message. Reads the file where there is one: blocking when in_file. Raises OSError."""
        if self.failed is not None:
            raise self.failed
        if self._file is None:
            return self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)
        self._file.seek(0)
        content = self._file.read()
        if len(content) != self.size:
            raise OSError("the spool file is shorter than what was written to it")
        return content

    async def whole(self) -> bytes:
        """octets(), waiting for the file elsewhere. Raises OSError."""
        return self.octets() if self._file is None else await self._spool.in_thread(Spooled.octets, self)

    @property
    def in_file(self) -> bool:
        """Not to be read in the reactor thread, and no more than LARGE_AT_ONCE of them at a time."""
        return self._file is not None

    @property
    def gate(self) -> DeferredSemaphore:
        """Acquire it before octets() of a message in a file, release it when the message is stored."""
        return self._spool.large

    def close(self) -> None:
        self._release()
        if self._file is not None:
            self._file.close()
