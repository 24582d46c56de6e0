"""The embedded backends: one LMDB environment, plain files, this process.

Standing rules: this is the only module that names them; they are opened after the fork, by whoever holds the data
lock, and closed last.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from time import time
from typing import Any

from twisted.logger import Logger

from mailserverd.backends.files.blob_store import FileBlobs
from mailserverd.backends.files.threads import FileThreads
from mailserverd.backends.lmdb.blob_references import BlobReferences
from mailserverd.backends.lmdb.check import StoreCheck
from mailserverd.backends.lmdb.directory import LmdbDirectory
from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.gathering import BatchLimits
from mailserverd.backends.lmdb.mail_store import LmdbMailStore, StoreSettings
from mailserverd.backends.lmdb.pending import LmdbPending
from mailserverd.backends.lmdb.queue_store import LmdbQueueStore
from mailserverd.backends.lmdb.record_access import LmdbRecords
from mailserverd.backends.lmdb.reputation import LmdbReputation
from mailserverd.backends.lmdb.resident import Resident
from mailserverd.backends.lmdb.restored import begin_epoch
from mailserverd.backends.lmdb.sending_counts import LmdbSendingCounts
from mailserverd.backends.lmdb.sent_messages import LmdbSentMessages
from mailserverd.backends.lmdb.writer import CommitObserver, Writer
from mailserverd.backends.process.event_bus import ProcessEventBus
from mailserverd.backends.process.leases import ProcessLeases
from mailserverd.config.schema import Config, Store
from mailserverd.telemetry.metrics import Metrics

log = Logger()


@dataclass(frozen=True, slots=True)
class Backends:
    """What the rooms above are given; each field fills the interface of its name."""

    directory: LmdbDirectory
    mail: LmdbMailStore
    pending: LmdbPending
    reputation: LmdbReputation
    sending_counts: LmdbSendingCounts
    sent_messages: LmdbSentMessages
    blobs: FileBlobs
    events: ProcessEventBus
    leases: ProcessLeases
    environment: Environment
    writer: Writer
    journal: EarlyJournal
    threads: FileThreads
    resident: Resident
    records: LmdbRecords
    queue: LmdbQueueStore

    def check(self) -> StoreCheck:
        return StoreCheck(self.environment, self.writer, self.blobs, self.threads, self.mail.refresh)

    def references(self) -> BlobReferences:
        return BlobReferences(self.environment, self.threads)

    async def begin_epoch(self) -> tuple[int, int]:
        return await begin_epoch(self.environment, self.writer, int(time()))

    async def close(self) -> None:
        """Everything submitted is committed first."""
        self.resident.stop()
        await self.mail.stop()
        await self.writer.stop()
        self.threads.stop()
        self.journal.close()
        self.environment.close()


async def open_embedded(config: Config, reactor: Any, metrics: Metrics) -> Backends:
    """Open (and make, where they are missing) all of them. Raises OSError, UnusableStore."""
    store = config.server.data_directory / "store"
    store.mkdir(mode=0o700, exist_ok=True)
    environment = Environment(store, config.store.map_size_bytes)
    journal = EarlyJournal(store / "early.journal")
    writer = Writer(
        environment,
        journal,
        reactor.callFromThread,
        _batch_limits(config.store),
        observe=_observer(metrics),
        at_turns_end=partial(reactor.callLater, 0),
    )
    records = LmdbRecords(environment, writer)
    threads = FileThreads(reactor, workers=max(2, os.cpu_count() or 1))
    threads.start()
    directory = LmdbDirectory(records, config.delivery.subaddress_delimiter)
    blobs = FileBlobs(config.server.data_directory / "blobs", threads)
    events = ProcessEventBus()
    settings = StoreSettings(zstd_level=config.store.zstd_level)
    mail = LmdbMailStore(
        environment, writer, journal, blobs, events, time, os.urandom, directory.quota_octets, settings, threads
    )
    queue = LmdbQueueStore(environment, writer, blobs)
    await queue.start()
    redone = await mail.start()
    if redone:
        log.info("flag changes acknowledged before the last end are stored now", commits=redone)
    resident = Resident(store / "data.mdb", threads, reactor)
    resident.start()
    return Backends(
        directory=directory,
        mail=mail,
        pending=LmdbPending(records),
        reputation=LmdbReputation(records),
        sending_counts=LmdbSendingCounts(records),
        sent_messages=LmdbSentMessages(records),
        blobs=blobs,
        events=events,
        leases=ProcessLeases(),
        environment=environment,
        writer=writer,
        journal=journal,
        threads=threads,
        resident=resident,
        records=records,
        queue=queue,
    )


def _batch_limits(store: Store) -> BatchLimits:
    early = store.early_flag_acknowledgement_milliseconds / 1000 if store.early_flag_acknowledgement else 0.0
    return BatchLimits(store.batch_max_messages, store.batch_max_bytes, early)


def _observer(metrics: Metrics) -> CommitObserver:
    seconds_of, messages_of = metrics.commit_seconds.of(), metrics.commit_messages.of()

    def observe(plans: int, seconds: float) -> None:
        seconds_of.observe(seconds)
        messages_of.observe(plans)

    return observe
