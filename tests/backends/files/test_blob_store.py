"""FileBlobs against the contract, and what only files can do wrong."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from twisted.internet.defer import Deferred

from mailserverd.backends.files.blob_store import READS_AT_ONCE, FileBlobs
from mailserverd.backends.files.layout import relative_path
from mailserverd.backends.files.threads import FileThreads
from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.model.errors import Damaged, TryAgain
from tests.contracts.blob_store import BlobStoreContract
from tests.contracts.loop import Loop

T = TypeVar("T")


class InPlace:
    """An OffReactor without threads."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()


class TestFileBlobs(BlobStoreContract):
    @pytest.fixture
    def loop(self) -> Loop:
        return Loop()

    @pytest.fixture
    def blobs(self, tmp_path: Path, loop: Loop) -> Iterator[FileBlobs]:
        self.threads, self.root = FileThreads(loop), tmp_path / "blobs"
        self.threads.start()
        yield FileBlobs(self.root, self.threads)
        self.threads.stop()

    def reopen(self, blobs: BlobStore) -> FileBlobs:
        return FileBlobs(self.root, self.threads)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was renamed and fsynced, in order, by path."""
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        steps.append("fsync " + os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def noted_rename(source: str, target: Path) -> None:
        steps.append(f"rename {target}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    return steps


def test_content_is_synced_before_it_has_its_name_and_the_name_before_put_returns(
    root: Path, synced: list[str]
) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    del synced[:]
    path = root / relative_path(loop.run(blobs.put(b"content")))
    assert synced[0].startswith(f"fsync {root}/tmp/")
    assert synced[1:] == [
        f"rename {path}",
        f"fsync {path.parent}",
        f"fsync {path.parent.parent}",
        f"fsync {root}",
    ]


def test_renewing_syncs_file_and_directory_and_writes_nothing(root: Path, synced: list[str]) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    path = root / relative_path(loop.run(blobs.put(b"content")))
    loop.run(blobs.begin_sweep())
    inode = path.stat().st_ino
    del synced[:]
    loop.run(blobs.put(b"content"))
    assert synced == [f"fsync {path}", f"fsync {path.parent}"]
    assert (path.stat().st_ino, path.stat().st_mtime) == (inode, 2)


def test_put_many_syncs_each_directory_once(root: Path, synced: list[str]) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    contents = [b"%d" % n for n in range(600)]
    loop.run(blobs.put_many(contents))
    del synced[:]
    loop.run(blobs.put_many(contents))
    directories = [step for step in synced if os.path.isdir(step.removeprefix("fsync "))]
    assert len(directories) == len(set(directories)) < 600


def test_a_full_disk_is_try_again_and_leaves_no_rubbish(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, loop, write = FileBlobs(root, InPlace()), Loop(), os.write
    room = [3]

    def full(descriptor: int, content: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= 1
        return write(descriptor, content[:4])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TryAgain, match="free space"):
        loop.run(blobs.put_many([b"one", b"more than four"]))
    assert list((root / "tmp").iterdir()) == []
    assert not any(root.glob("??/??/*"))


def test_a_short_write_is_continued(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, loop, write = FileBlobs(root, InPlace()), Loop(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:3]))
    assert loop.run(blobs.verify(loop.run(blobs.put(b"ten octets"))))


def test_what_was_left_half_written_is_gone_after_a_start(root: Path) -> None:
    FileBlobs(root, InPlace())
    (root / "tmp" / "17-4").write_bytes(b"half")
    FileBlobs(root, InPlace())
    assert list((root / "tmp").iterdir()) == []


def test_changed_octets_do_not_verify(root: Path) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    blob_id = loop.run(blobs.put(b"original"))
    (root / relative_path(blob_id)).write_bytes(b"0riginal")
    assert not loop.run(blobs.verify(blob_id))


def test_an_unreadable_blob_is_damaged_in_a_sentence_that_names_it(root: Path) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    blob_id = loop.run(blobs.put(b"content"))
    path = root / relative_path(blob_id)
    path.unlink()
    path.mkdir()
    with pytest.raises(Damaged, match=blob_id.hex()):
        loop.run(blobs.read(blob_id, 0, 1))


def test_a_blob_restored_without_its_time_counts_as_new(root: Path) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    path = root / relative_path(loop.run(blobs.put(b"content")))
    os.utime(path)
    for _ in range(2):
        loop.run(blobs.begin_sweep())
    assert loop.run(blobs.sweep(lambda _: False)) == 0
    for _ in range(2):
        loop.run(blobs.begin_sweep())
    assert loop.run(blobs.sweep(lambda _: False)) == 1


def test_an_unreadable_generation_starts_over_and_sweeps_nothing_early(root: Path) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    for _ in range(5):
        loop.run(blobs.begin_sweep())
    loop.run(blobs.put(b"content"))
    (root / "generation").write_text("not a number")
    again = FileBlobs(root, InPlace())
    assert loop.run(again.begin_sweep()) == 2
    assert loop.run(again.sweep(lambda _: False)) == 0


def test_the_sweep_leaves_files_that_are_not_blobs(root: Path) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    stranger = root / "ab" / "cd" / "notes.txt"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("mine")
    os.utime(stranger, (0, 0))
    for _ in range(2):
        loop.run(blobs.begin_sweep())
    assert loop.run(blobs.sweep(lambda _: False)) == 0
    assert stranger.exists()


def test_more_than_a_mebibyte_at_once_is_the_callers_mistake(root: Path) -> None:
    blobs, loop = FileBlobs(root, InPlace()), Loop()
    blob_id = loop.run(blobs.put(b"content"))
    with pytest.raises(ValueError, match="at most"):
        loop.run(blobs.read(blob_id, 0, (1 << 20) + 1))


class Slow(InPlace):
    """An OffReactor whose work is done when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Deferred[None]] = []

    async def run(self, work: Callable[[], T]) -> T:
        self.asked.append(Deferred())
        await self.asked[-1]
        return work()


def test_what_is_read_and_not_taken_is_bounded(root: Path) -> None:
    loop, threads = Loop(), Slow()
    blob_id = loop.run(FileBlobs(root, InPlace()).put(b"octets"))
    blobs = FileBlobs(root, threads)
    reads = [Deferred.fromCoroutine(blobs.read(blob_id, 0, 6)) for _ in range(3 * READS_AT_ONCE)]
    assert len(threads.asked) == READS_AT_ONCE
    for done in range(3 * READS_AT_ONCE):
        threads.asked[done].callback(None)
        assert len(threads.asked) == min(READS_AT_ONCE + done + 1, len(reads))
    assert [loop.run(read) for read in reads] == [b"octets"] * len(reads)
    again = Deferred.fromCoroutine(blobs.read(blob_id, 0, 6))
    assert len(threads.asked) == len(reads) + 1
    threads.asked[-1].callback(None)
    assert loop.run(again) == b"octets"
