"""FileBlobs: the BlobStore interface over plain files. See layout.py for where things lie.

Standing rules: all file work is done in the threads passed in; what the disk refuses is TryAgain when we were writing
and Damaged when we were reading, in a sentence that says what to do. `keep` of a sweep is asked in the reactor thread.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

from twisted.internet.defer import Deferred

from mailserverd.backends.files.layout import (
    TEMPORARY,
    blob_id_of,
    read_generation,
    relative_path,
    sync_directory,
    write_generation,
)
from mailserverd.backends.files.put import Writer
from mailserverd.backends.files.threads import OffReactor
from mailserverd.model.errors import Damaged, NotFound, TryAgain
from mailserverd.model.identifiers import BlobId

T = TypeVar("T")
MAX_READ_OCTETS = 1 << 20
READS_AT_ONCE = 16  # what was read and not taken yet is in memory
_ASKED_AT_ONCE = 256


class FileBlobs:
    """root: the blob directory; made where it is missing. Raises OSError where it cannot be used."""

    def __init__(self, root: Path, threads: OffReactor) -> None:
        self._root = root
        self._threads = threads
        self._locks = [Lock() for _ in range(256)]
        self._writer = Writer(root, self._locks)
        (root / TEMPORARY).mkdir(mode=0o700, parents=True, exist_ok=True)
        for rubbish in (root / TEMPORARY).iterdir():
            rubbish.unlink()
        sync_directory(root)
        self._generation = read_generation(root)
        self._reading = 0
        self._readers: deque[Deferred[None]] = deque()

    async def put(self, content: bytes) -> BlobId:
        return (await self.put_many((content,)))[0]

    async def put_many(self, contents: Iterable[bytes]) -> list[BlobId]:
        given, generation = list(contents), self._generation
        if not given:
            return []
        try:
            return await self._threads.run(lambda: self._writer.put(given, generation))
        except OSError as error:
            raise TryAgain(
                f"blobs cannot be written below {self._root}: {error.strerror}; free space or fix the directory"
            ) from error

    async def read(self, blob_id: BlobId, start: int, stop: int) -> bytes:
        if stop - start > MAX_READ_OCTETS:
            raise ValueError(f"a blob is read at most {MAX_READ_OCTETS} octets at a time")
        if self._reading < READS_AT_ONCE:
            self._reading += 1
        else:
            turn: Deferred[None] = Deferred()
            self._readers.append(turn)
            await turn
        try:
            return await self._on_file(blob_id, lambda path: _read_range(path, start, stop))
        finally:
            if self._readers:
                self._readers.popleft().callback(None)
            else:
                self._reading -= 1

    async def size(self, blob_id: BlobId) -> int:
        return await self._on_file(blob_id, lambda path: os.stat(path).st_size)

    async def verify(self, blob_id: BlobId) -> bool:
        try:
            return await self._on_file(blob_id, _hash_of_file) == blob_id
        except (NotFound, Damaged):
            return False

    async def _on_file(self, blob_id: BlobId, work: Callable[[Path], T]) -> T:
        path = self._root / relative_path(blob_id)
        try:
            return await self._threads.run(lambda: work(path))
        except FileNotFoundError as error:
            raise NotFound(f"no blob {blob_id.hex()}") from error
        except OSError as error:
            raise Damaged(f"{path} cannot be read: {error.strerror}; restore it from a backup") from error

    async def begin_sweep(self) -> int:
        generation = self._generation + 1
        try:
            await self._threads.run(lambda: write_generation(self._root, generation))
        except OSError as error:
            raise TryAgain(f"{self._root} cannot be written: {error.strerror}") from error
        self._generation = generation
        return generation

    async def sweep(self, keep: Callable[[BlobId], bool]) -> int:
        swept, newest = 0, self._generation
        for first in range(256):
            old = await self._threads.run(partial(self._older, first, newest))
            for at in range(0, len(old), _ASKED_AT_ONCE):
                doomed = [blob_id for blob_id in old[at : at + _ASKED_AT_ONCE] if not keep(blob_id)]
                if doomed:
                    swept += await self._threads.run(partial(self._delete, doomed, newest))
        return swept

    def _older(self, first: int, newest: int) -> list[BlobId]:
        """Blobs of two generations ago or earlier. Those of the future were restored without their times: new."""
        old: list[BlobId] = []
        for directory, _, names in os.walk(self._root / f"{first:02x}"):
            for name in names:
                blob_id = blob_id_of(name)
                if blob_id is not None:
                    generation = self._generation_of(Path(directory, name), newest)
                    if generation is not None and generation <= newest - 2:
                        old.append(blob_id)
        return old

    def _generation_of(self, path: Path, newest: int) -> int | None:
        try:
            generation = int(path.stat().st_mtime)
            if generation > newest + 1:  # + 1: a sweep may have begun since
                os.utime(path, (newest, newest))
        except OSError:
            return None
        return generation

    def _delete(self, doomed: list[BlobId], newest: int) -> int:
        """Judged once more under the lock: who put it meanwhile has renewed it."""
        deleted = 0
        for blob_id in doomed:
            path = self._root / relative_path(blob_id)
            with self._locks[blob_id[0]]:
                generation = self._generation_of(path, newest)
                if generation is not None and generation <= newest - 2:
                    path.unlink(missing_ok=True)
                    deleted += 1
        return deleted


def _read_range(path: Path, start: int, stop: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces, at = [], start
        while at < stop and (piece := os.pread(descriptor, stop - at, at)):
            pieces.append(piece)
            at += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    finally:
        os.close(descriptor)


def _hash_of_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
