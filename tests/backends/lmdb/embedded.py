"""Embedded: the real store in one directory, opened and closed as assembly does, over a Loop."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mailserverd.backends.files.blob_store import FileBlobs
from mailserverd.backends.files.threads import FileThreads
from mailserverd.backends.lmdb.check import CheckResult, StoreCheck
from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.gathering import BatchLimits
from mailserverd.backends.lmdb.mail_store import LmdbMailStore, StoreSettings
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.backends.process.event_bus import ProcessEventBus
from tests.contracts.loop import Loop

T = TypeVar("T")


class AtOnce:
    """OffReactor without threads."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()


class Embedded:
    def __init__(
        self,
        directory: Path,
        loop: Loop,
        early_seconds: float = 0.1,
        quota_of: Callable[[int], int | None] = lambda _: None,
    ) -> None:
        self.loop = loop
        store = directory / "store"
        store.mkdir(exist_ok=True)
        self.environment = Environment(store, 1 << 30)
        self.journal = EarlyJournal(store / "early.journal")
        limits = BatchLimits(early_seconds=early_seconds)
        self.writer = Writer(self.environment, self.journal, loop.callFromThread, limits)
        self.threads = FileThreads(loop, workers=2)
        self.threads.start()
        self.blobs = FileBlobs(directory / "blobs", self.threads)
        self.events = ProcessEventBus()
        self.mail_store = LmdbMailStore(
            self.environment,
            self.writer,
            self.journal,
            self.blobs,
            self.events,
            time.time,
            os.urandom,
            quota_of,
            StoreSettings(),
            self.threads,
        )
        loop.run(self.mail_store.start())

    def check(self, repair: bool = False) -> CheckResult:
        check = StoreCheck(self.environment, self.writer, self.blobs, self.threads, self.mail_store.refresh)
        return self.loop.run(check.run(repair))

    def close(self) -> None:
        """As at the end of the server: everything submitted is committed first."""
        self.loop.run(self.mail_store.stop())
        self.loop.run(self.writer.stop())
        self.threads.stop()
        self.journal.close()
        self.environment.close()
