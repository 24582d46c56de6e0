"""Where a message is while it is being received: in memory when small, else in a file without a name.

Standing rules: all messages being received together take at most `max_memory_bytes`; what comes above goes to files;
a spool file has no name, so that a crash leaves nothing behind; a full disk is remembered and told at the end of the
message, never raised into the protocol.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

SMALL_OCTETS = 262_144  # a message up to this size stays in memory while there is room


class Spool:
    """The folder and the memory that the messages of all sessions share."""

    __slots__ = ("folder", "max_memory_bytes", "memory_bytes")

    def __init__(self, folder: Path, max_memory_bytes: int) -> None:
        self.folder = folder
        self.max_memory_bytes = max_memory_bytes
        self.memory_bytes = 0

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

    @property
    def in_file(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        self._release()
        if self._file is not None:
            self._file.close()
