"""LmdbMailStore against the contract, and what is its own: full maps, restarts, early flags, pages, codecs."""

import base64
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import Environment, Transaction, WriteFailed
from mailserverd.backends.lmdb.gathering import BatchLimits
from mailserverd.backends.lmdb.mail_store import LmdbMailStore, StoreSettings
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.backends.process.event_bus import ProcessEventBus
from mailserverd.interfaces.mail_store import Add, Copy, Expunge, MailStore, SetFlags
from mailserverd.model.errors import TryAgain
from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import BlobSegment, Fields, InlineSegment
from tests.backends.lmdb.embedded import AtOnce
from tests.contracts.loop import Loop
from tests.contracts.mail import ALL, Mail, message_of, octets_of
from tests.contracts.mail_store import MessagesContract, StoreBinding
from tests.contracts.mail_store_mailboxes import MailboxesContract
from tests.contracts.mail_store_random import RandomContract


class Blobs:
    """One blob, in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def read(self, blob_id: BlobId, start: int, stop: int) -> bytes:
        assert blob_id == b"blob"
        return self.content[start:stop]


class LmdbBinding(StoreBinding):
    map_size_bytes = 1 << 30
    early_seconds = 0.05

    @pytest.fixture
    def loop(self) -> Loop:
        return Loop()

    @pytest.fixture
    def bus(self) -> ProcessEventBus:
        return ProcessEventBus()

    @pytest.fixture
    def store(self, loop: Loop, bus: ProcessEventBus, tmp_path: Path) -> Iterator[MailStore]:
        self.loop_, self.bus_, self.path = loop, bus, tmp_path
        self.quotas: dict[int, int] = {}
        self.blobs = Blobs(b"")
        self.open_()
        yield self.store_
        self.close()

    def open_(self) -> None:
        self.environment = Environment(self.path / "db", self.map_size_bytes)
        self.journal = EarlyJournal(self.path / "early")
        limits = BatchLimits(early_seconds=self.early_seconds)
        self.writer = Writer(self.environment, self.journal, self.loop_.callFromThread, limits)
        self.store_ = LmdbMailStore(
            self.environment,
            self.writer,
            self.journal,
            self.blobs,  # type: ignore[arg-type]
            self.bus_,
            time.time,
            os.urandom,
            lambda account: self.quotas.get(account),
            StoreSettings(),
            AtOnce(),
        )
        self.replayed = self.loop_.run(self.store_.start())

    def close(self) -> None:
        self.loop_.run(self.store_.stop())
        self.loop_.run(self.writer.stop())
        self.environment.close()
        self.journal.close()

    def reopen(self, store: MailStore) -> MailStore:
        self.close()
        self.open_()
        return self.store_

    def set_quota(self, account_id: int, octets: int) -> None:
        self.quotas[account_id] = octets


class TestMessages(LmdbBinding, MessagesContract):
    pass


class TestMailboxes(LmdbBinding, MailboxesContract):
    pass


class TestRandom(LmdbBinding, RandomContract):
    pass


class TestWithoutEarlyFlags(LmdbBinding, MessagesContract):
    early_seconds = 0.0


class TestOwn(LmdbBinding):
    def test_a_full_map_grows_and_the_commit_is_done_once(self, mail: Mail) -> None:
        self.environment.lmdb.set_mapsize(1 << 18)
        self.environment.map_size_bytes = 1 << 18
        for n in range(1, 12):
            octets = octets_of(n) + os.urandom(60_000)
            mail.commit(Add(mail.inbox, message_of(octets, (InlineSegment(octets),)), (), 0))
        assert mail.uids() == list(range(1, 12))
        assert self.environment.map_size_bytes > 1 << 18

    def test_a_killed_process_loses_no_acknowledged_flag(self, mail: Mail) -> None:
        mail.add(1)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Seen",)))  # this one waits: it reserves the mark
        self.loop_.run(self.writer.submit(lambda step: None))
        self.writer._limits = BatchLimits(early_seconds=60.0)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Flagged",)))
        mail.commit(SetFlags(mail.inbox, ALL, "remove", ("\\Seen",)))
        told = mail.state().modseq
        killed = self.path / "killed"
        shutil.copytree(self.path / "db", killed / "db")
        shutil.copy(self.path / "early", killed / "early")
        self.close()
        self.path = killed
        self.open_()
        assert self.replayed == 2
        again = Mail(self.loop_, self.store_)
        assert again.flags(1) == {"\\Flagged"}
        assert again.state().modseq > told
        assert self.journal.records() == []

    def test_the_journal_of_a_finished_commit_is_not_done_again(self, mail: Mail) -> None:
        mail.add(1)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Seen",)))
        self.writer._limits = BatchLimits(early_seconds=60.0)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Flagged",)))
        left = self.journal.records()
        assert left
        mail.commit(SetFlags(mail.inbox, ALL, "remove", ("\\Flagged",)))
        self.close()
        self.journal = EarlyJournal(self.path / "early")
        self.journal.append(left)
        self.journal.close()
        self.open_()
        assert self.replayed == 0
        assert Mail(self.loop_, self.store_).flags(1) == {"\\Seen"}

    def test_a_disk_that_refuses_fails_the_commit_and_the_next_is_done(self, mail: Mail) -> None:
        commit = self.environment.commit

        def refuse(transaction: Transaction) -> None:
            transaction.abort()
            raise WriteFailed("No space left on device")

        self.environment.commit = refuse  # type: ignore[method-assign]
        with pytest.raises(TryAgain, match="free space"):
            mail.add(1)
        self.environment.commit = commit  # type: ignore[method-assign]
        assert mail.uids() == []
        mail.add(2)
        assert mail.uids() == [1]

    def test_a_flag_acknowledged_before_a_failed_commit_is_stored_after_it(self, mail: Mail) -> None:
        mail.add(1)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Seen",)))
        self.writer._limits = BatchLimits(early_seconds=60.0)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Flagged",)))
        commit, failures = self.environment.commit, [1]

        def refuse_once(transaction: Transaction) -> None:
            if failures and failures.pop():
                transaction.abort()
                raise WriteFailed("Input/output error")
            commit(transaction)

        self.environment.commit = refuse_once  # type: ignore[method-assign]
        with pytest.raises(TryAgain):
            mail.add(2)
        assert mail.uids() == [1]
        assert Mail(self.loop_, self.reopen(self.store_)).flags(1) == {"\\Seen", "\\Flagged"}

    def test_a_full_map_loses_no_flag_acknowledged_before(self, mail: Mail) -> None:
        mail.add(1)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Seen",)))
        self.loop_.run(self.writer.submit(lambda step: None))
        self.environment.lmdb.set_mapsize(1 << 17)
        self.environment.map_size_bytes = 1 << 17
        self.writer._limits = BatchLimits(early_seconds=60.0)
        mail.commit(SetFlags(mail.inbox, ALL, "add", ("\\Flagged",)))
        octets = octets_of(2) + os.urandom(400_000)
        mail.commit(Add(mail.inbox, message_of(octets, (InlineSegment(octets),)), (), 0))
        assert self.environment.map_size_bytes > 1 << 17
        again = Mail(self.loop_, self.reopen(self.store_))
        assert again.flags(1) == {"\\Seen", "\\Flagged"}
        assert again.uids() == [1, 2]

    def test_many_messages_are_copied_flagged_and_expunged(self, mail: Mail) -> None:
        octets = octets_of(1)
        ops = [Add(mail.inbox, message_of(octets), (), 0) for _ in range(700)]
        mail.commit(*ops)
        for _ in range(2):
            mail.commit(Copy(mail.inbox, ALL, mail.inbox))
        assert len(mail.uids()) == 2800
        mail.commit(SetFlags(mail.inbox, ((100, 2500),), "add", ("\\Deleted",)))
        done = mail.commit(Expunge(mail.inbox, ALL)).results[0].done
        assert done == tuple(range(100, 2501))
        kept = mail.uids()
        again = Mail(self.loop_, self.reopen(self.store_))
        assert again.uids() == kept == [*range(1, 100), *range(2501, 2801)]
        assert again.row().messages == len(kept)
        assert again.row().octets == len(kept) * len(octets)

    @pytest.mark.parametrize("ends", [True, False])
    def test_base64_parts_come_back_from_their_blobs(self, mail: Mail, ends: bool) -> None:
        content = bytes(range(256)) * 40 + b"x"
        text = base64.b64encode(content)
        lines = b"\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)) + (b"\r\n" if ends else b"")
        self.blobs.content = content
        before, after = octets_of(9), b"--end\r\n"
        segments = (
            InlineSegment(before),
            BlobSegment(BlobId(b"blob"), len(lines), 76, ends),
            InlineSegment(after),
        )
        whole = before + lines + after
        placed = mail.commit(Add(mail.inbox, message_of(whole, segments), (), 0)).results[0].placed[0]
        assert mail.octets(placed.email_id) == whole
        account = mail.account
        for start, stop in ((0, 10), (len(before) + 70, len(before) + 90), (len(whole) - 12, len(whole))):
            assert self.loop_.run(account.octets(placed.email_id, start, stop)) == whole[start:stop]
        [row] = mail.rows(want=Fields.HEADER)
        assert row.header == before[: before.find(b"\r\n\r\n") + 4]

    def test_whoever_waits_for_a_blob_takes_no_readers_place(self, mail: Mail) -> None:
        """There are 64 of them for all."""
        waiting: list[Deferred[bytes]] = []

        class Slow:
            async def read(self, blob_id: BlobId, start: int, stop: int) -> bytes:
                waiting.append(Deferred())
                return (await waiting[-1])[start:stop]

        segments = (InlineSegment(octets_of(9)), BlobSegment(BlobId(b"blob"), 1_000, 0, False))
        octets = octets_of(9) + b"x" * 1_000
        placed = mail.commit(Add(mail.inbox, message_of(octets, segments), (), 0)).results[0].placed[0]
        self.store_.blobs = Slow()  # type: ignore[assignment]
        account = mail.account
        asked = [Deferred.fromCoroutine(account.octets(placed.email_id, 0, len(octets))) for _ in range(200)]
        assert len(waiting) == 200
        assert mail.uids() == [1]
        for each in waiting:
            each.callback(b"x" * 1_000)
        assert [self.loop_.run(each) for each in asked] == [octets] * 200
