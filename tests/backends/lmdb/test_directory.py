"""LmdbDirectory against the contract, over a dictionary and over the real environment."""

from dataclasses import replace

import pytest
from twisted.internet.defer import Deferred

from mailserverd.backends.lmdb.directory import LmdbDirectory
from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.gathering import BatchLimits
from mailserverd.backends.lmdb.record_access import LmdbRecords
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.model.account import Account, Alias, Domain
from mailserverd.model.errors import AlreadyExists, NotFound, TryAgain
from tests.accounts.doubles import DictRecords, credentials_of, drive
from tests.contracts.directory import DirectoryContract
from tests.contracts.loop import Loop


class TestOverADictionary(DirectoryContract):
    def make(self):
        self.records = DictRecords()
        return LmdbDirectory(self.records)

    def again(self):
        return LmdbDirectory(self.records)

    def run(self, coroutine):
        return drive(coroutine)

    def test_a_write_that_fails_changes_nothing(self):
        made = self.add("anna@example.org", credentials_of("pw"))
        self.records.failing = TryAgain("the disk is full")
        account_id = made.account_id
        for change in (
            self.directory.put_domain(Domain("new.example")),
            self.directory.add_account(Account(0, "bob@example.org"), None),
            self.directory.put_account(replace(made, disabled=True)),
            self.directory.remove_account(account_id),
            self.directory.put_alias(Alias("a@example.org", ("anna@example.org",))),
        ):
            with pytest.raises(TryAgain):
                drive(change)
        assert [each.name for each in drive(self.directory.domains())] == ["example.org"]
        assert drive(self.directory.accounts()) == [made]
        assert drive(self.directory.aliases()) == []
        assert drive(self.directory.credentials(account_id)) is not None

    def test_two_changes_at_once_are_one_after_the_other(self):
        gate = Deferred()
        write = self.records.write

        async def slow(puts, deletes=()):
            await gate
            await write(puts, deletes)

        self.records.write = slow
        first = Deferred.fromCoroutine(self.directory.add_account(Account(0, "anna@example.org"), None))
        second = Deferred.fromCoroutine(self.directory.add_account(Account(0, "anna@example.org"), None))
        with pytest.raises(NotFound):
            drive(self.directory.account("anna@example.org"))
        gate.callback(None)
        assert first.result.account_id == 1
        second.addErrback(lambda failure: failure.trap(AlreadyExists))
        assert second.result is AlreadyExists

    def test_delimiter_may_change(self):
        self.add("anna@example.org")
        self.directory.subaddress_delimiter = "-"
        assert self.resolved("anna-x@example.org") == ["anna@example.org"]
        self.directory.subaddress_delimiter = ""
        with pytest.raises(NotFound):
            drive(self.directory.resolve("anna+x@example.org"))
        assert self.directory.subaddress_delimiter == ""

    def test_quota_for_the_mail_store(self):
        made = self.add("anna@example.org")
        assert self.directory.quota_octets(made.account_id) is None
        drive(self.directory.put_account(replace(made, quota_octets=10)))
        assert self.directory.quota_octets(made.account_id) == 10
        assert self.directory.quota_octets(99) is None

    def test_strangers_addresses_take_no_memory(self):
        self.add("anna@example.org")
        drive(self.directory.put_domain(Domain("example.org", "anna@example.org")))
        for n in range(100):
            drive(self.directory.resolve(f"anna+{n}@example.org"))
            drive(self.directory.resolve(f"Stranger{n}@example.org"))
        assert len(self.directory._names._resolved) == 1

    def test_deep_chains_of_aliases_end(self):
        self.add("anna@example.org")
        drive(self.directory.put_alias(Alias("a0@example.org", ("anna@example.org",))))
        for n in range(1, 15):
            drive(self.directory.put_alias(Alias(f"a{n}@example.org", (f"a{n - 1}@example.org",))))
        assert self.resolved("a14@example.org") == ["anna@example.org"]


class TestOverTheEnvironment(DirectoryContract):
    @pytest.fixture(autouse=True)
    def _store(self, tmp_path):
        self.path = tmp_path
        self.environment = None
        yield
        self.close()

    @pytest.fixture(autouse=True)
    def _directory(self, _store):
        self.directory = self.make()
        self.run(self.directory.put_domain(Domain("example.org")))

    def make(self):
        self.loop = Loop()
        self.environment = Environment(self.path, 1 << 26)
        self.journal = EarlyJournal(self.path / "early")
        self.writer = Writer(self.environment, self.journal, self.loop.callFromThread, BatchLimits())
        return LmdbDirectory(LmdbRecords(self.environment, self.writer))

    def again(self):
        self.close()
        return self.make()

    def close(self):
        if self.environment is not None:
            self.loop.run(self.writer.stop())
            self.journal.close()
            self.environment.close()

    def run(self, coroutine):
        return self.loop.run(coroutine)
