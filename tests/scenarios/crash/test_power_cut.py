"""A power cut: what was never fsynced is thrown away, and everything acknowledged is there all the same.

The store runs in one directory; beside it a second one is kept as a disk would have it after a cut: the database as of
its last synced commit, blobs whose octets and whose names were both synced, and nothing of the early journal.
"""

import os
import random
import shutil
from pathlib import Path

import pytest

from mailserverd.backends.lmdb.environment import Environment, Transaction
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.scenarios.crash.child import Child
from tests.scenarios.crash.ledger import Ledger
from tests.scenarios.crash.test_kill import examine


class Disk:
    """What of `live` would survive, kept in `durable`."""

    def __init__(self, live: Path, durable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.live, self.durable = live, durable
        self._synced_inodes: set[int] = set()
        commit, fsync = Environment.commit, os.fsync

        def synced_commit(environment: Environment, transaction: Transaction) -> None:
            commit(environment, transaction)
            self.keep_database()

        def noted_fsync(descriptor: int) -> None:
            fsync(descriptor)
            self._note(Path(os.readlink(f"/proc/self/fd/{descriptor}")), os.fstat(descriptor).st_ino)

        monkeypatch.setattr(Environment, "commit", synced_commit)
        monkeypatch.setattr(os, "fsync", noted_fsync)

    def keep_database(self) -> None:
        (self.durable / "store").mkdir(exist_ok=True)
        shutil.copyfile(self.live / "store" / "data.mdb", self.durable / "store" / "next")
        (self.durable / "store" / "next").rename(self.durable / "store" / "data.mdb")

    def _note(self, path: Path, inode: int) -> None:
        if not path.is_relative_to(self.live / "blobs"):
            return
        if not path.is_dir():
            self._synced_inodes.add(inode)
            return
        for entry in path.iterdir():
            if entry.is_file() and entry.stat().st_ino in self._synced_inodes and path.name != "tmp":
                target = self.durable / entry.relative_to(self.live)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(entry, target)


def cut(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch, ledger: Ledger, rounds: int) -> None:
    """Run on what the last cut left, cut again, and look."""
    live, durable = tmp_path / f"live{number}", tmp_path / f"durable{number}"
    previous = tmp_path / f"durable{number - 1}"
    if previous.exists():
        shutil.copytree(previous, live)
        shutil.copytree(previous, durable)
    else:
        live.mkdir()
        durable.mkdir()
    with monkeypatch.context() as patched:
        Disk(live, durable, patched)
        store = Embedded(live, Loop())
        child = Child(store, number, lambda **line: ledger.read(line))
        for _ in range(rounds):
            child.round()
        kept = tmp_path / f"cut{number}"
        shutil.copytree(durable, kept)
        store.close()
    shutil.rmtree(durable)
    examine(kept, ledger)
    kept.rename(durable)
    shutil.rmtree(live)


def cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> Ledger:
    source, ledger = random.Random(7), Ledger(with_flags=False)
    for number in range(1, count + 1):
        cut(tmp_path, number, monkeypatch, ledger, source.randrange(1, 20))
    return ledger


def test_power_cuts_lose_nothing_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cuts(tmp_path, monkeypatch, 6).acknowledged > 100


@pytest.mark.slow
def test_many_power_cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cuts(tmp_path, monkeypatch, 25).acknowledged > 500


def test_the_simulation_does_lose_what_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were blobs acknowledged without their fsync, the tests above would see it."""
    live, durable = tmp_path / "live", tmp_path / "durable"
    live.mkdir()
    durable.mkdir()
    with monkeypatch.context() as patched:
        Disk(live, durable, patched)
        store = Embedded(live, Loop())
        synced = store.loop.run(store.blobs.put(b"synced"))
        patched.setattr(os, "fsync", lambda descriptor: None)
        lost = store.loop.run(store.blobs.put(b"never synced"))
        store.close()
    names = {path.name for path in durable.rglob("*") if path.is_file()}
    assert synced.hex() in names
    assert lost.hex() not in names
