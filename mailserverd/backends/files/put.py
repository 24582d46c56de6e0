"""Putting blobs: temporary file, fsync, rename, fsync of the directory, and only then is it there.

Standing rules: a blob that exists is renewed, never written again; it counts as durable only after an fsync of its
directory by us, since the one who renamed it may have been killed before his. All of this runs in a file thread.
"""

import hashlib
import itertools
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mailserverd.backends.files.layout import TEMPORARY, relative_path, sync_directory, write_whole
from mailserverd.model.identifiers import BlobId


class Writer:
    """locks: one for each first octet of a blob id; held while a blob is renewed or judged by the sweep."""

    def __init__(self, root: Path, locks: Sequence[Lock]) -> None:
        self._root = root
        self._locks = locks
        self._count = itertools.count()
        self._durable_directories: set[str] = set()  # at most 65,536 short names; those whose parents we have synced

    def put(self, contents: Sequence[bytes], generation: int) -> list[BlobId]:
        """All of contents, durable when it returns; raises OSError, and then some may be there."""
        ids = [BlobId(hashlib.sha256(content).digest()) for content in contents]
        fresh: dict[BlobId, str] = {}
        directories: set[str] = set()
        try:
            for blob_id, content in zip(ids, contents, strict=True):
                if blob_id not in fresh and not self._renew(blob_id, generation):
                    fresh[blob_id] = self._write(content, generation)
                directories.add(os.path.dirname(relative_path(blob_id)))
            self._publish(fresh)
        except BaseException:
            for temporary in fresh.values():
                with suppress(OSError):
                    os.unlink(temporary)
            raise
        self._sync(directories)
        return ids

    def _renew(self, blob_id: BlobId, generation: int) -> bool:
        """Whether the blob was there; it is of this generation now."""
        path = self._root / relative_path(blob_id)
        with self._locks[blob_id[0]]:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            try:
                if not generation <= os.fstat(descriptor).st_mtime <= generation + 1:  # + 1: a sweep has begun since
                    os.utime(descriptor, (generation, generation))
            except BaseException:
                os.close(descriptor)
                raise
        try:
            os.fsync(descriptor)  # nothing to do, and cheap, where the generation was this one already
        finally:
            os.close(descriptor)
        return True

    def _write(self, content: bytes, generation: int) -> str:
        """A durable temporary file with this content and generation; its name."""
        temporary = f"{self._root}/{TEMPORARY}/{os.getpid()}-{next(self._count)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_whole(descriptor, content)
            os.utime(descriptor, (generation, generation))
            os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        finally:
            os.close(descriptor)
        return temporary

    def _publish(self, fresh: dict[BlobId, str]) -> None:
        for blob_id, temporary in fresh.items():
            path = self._root / relative_path(blob_id)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locks[blob_id[0]]:
                os.rename(temporary, path)

    def _sync(self, directories: set[str]) -> None:
        """Leaves first, then, once in a process's life, the parents that hold their names."""
        for directory in directories:
            sync_directory(self._root / directory)
        unknown = directories - self._durable_directories
        if unknown:
            for parent in {os.path.dirname(directory) for directory in unknown}:
                sync_directory(self._root / parent)
            sync_directory(self._root)
            self._durable_directories |= unknown
