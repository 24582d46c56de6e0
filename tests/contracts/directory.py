"""What every Directory must do. A test class mixes this in and gives `make()`, a fresh directory, and `again()`, the
same one as a later process would open it."""

from dataclasses import replace

import pytest

from mailserverd.model.account import Account, Alias, Credentials, Domain, Recipient, Revoked
from mailserverd.model.errors import AlreadyExists, Conflict, LimitReached, NotFound
from tests.accounts.doubles import credentials_of


class DirectoryContract:
    """run(coroutine): its result, however long it takes."""

    @pytest.fixture(autouse=True)
    def _directory(self, request):
        self.directory = self.make()
        self.run(self.directory.put_domain(Domain("example.org")))

    def add(self, address, credentials=None):
        return self.run(self.directory.add_account(Account(0, address), credentials))

    def alias(self, address, *targets):
        self.run(self.directory.put_alias(Alias(address, targets)))

    def resolved(self, address):
        return [each.account.address for each in self.run(self.directory.resolve(address))]

    # Domains

    def test_domains_in_their_order(self):
        self.run(self.directory.put_domain(Domain("b.example", position=2)))
        self.run(self.directory.put_domain(Domain("a.example", position=1)))
        assert [each.name for each in self.run(self.directory.domains())] == ["example.org", "a.example", "b.example"]

    def test_is_local_in_any_case_and_spelling(self):
        self.run(self.directory.put_domain(Domain("bücher.example")))
        assert self.directory.is_local("EXAMPLE.org")
        assert self.directory.is_local("xn--bcher-kva.example")
        assert self.directory.is_local("BÜCHER.example")
        assert not self.directory.is_local("example.com")
        assert not self.directory.is_local("sub.example.org")

    def test_domain_with_names_is_not_removed(self):
        self.add("anna@example.org")
        with pytest.raises(LimitReached):
            self.run(self.directory.remove_domain("example.org"))
        self.run(self.directory.remove_account(self.run(self.directory.account("anna@example.org")).account_id))
        self.run(self.directory.remove_domain("example.org"))
        assert not self.directory.is_local("example.org")

    def test_unknown_domain_is_not_removed(self):
        with pytest.raises(NotFound):
            self.run(self.directory.remove_domain("example.com"))

    def test_catch_all_must_lead_somewhere(self):
        with pytest.raises(NotFound):
            self.run(self.directory.put_domain(Domain("example.org", "nobody@example.org")))

    # Accounts

    def test_account_ids_are_never_used_again(self):
        first = self.add("anna@example.org")
        self.run(self.directory.remove_account(first.account_id))
        second = self.add("anna@example.org")
        assert second.account_id > first.account_id
        with pytest.raises(NotFound):
            self.run(self.directory.account_by_id(first.account_id))

    def test_account_by_address_and_id(self):
        made = self.add("anna@example.org")
        assert self.run(self.directory.account("anna@example.org")) == made
        assert self.run(self.directory.account_by_id(made.account_id)) == made
        with pytest.raises(NotFound):
            self.run(self.directory.account("bob@example.org"))

    def test_an_address_is_given_once(self):
        self.add("anna@example.org")
        self.alias("sales@example.org", "anna@example.org")
        for address in ("anna@example.org", "sales@example.org"):
            with pytest.raises(AlreadyExists):
                self.add(address)
        with pytest.raises(AlreadyExists):
            self.alias("anna@example.org", "sales@example.org")

    def test_account_needs_its_domain(self):
        with pytest.raises(NotFound):
            self.add("anna@example.com")

    def test_change_of_an_account_is_seen_at_once(self):
        made = self.add("anna@example.org")
        self.run(self.directory.resolve("anna@example.org"))
        changed = replace(made, display_name="Anna", disabled=True, quota_octets=5, max_message_octets=6)
        self.run(self.directory.put_account(changed))
        assert self.run(self.directory.resolve("anna@example.org")) == (Recipient(changed),)
        with pytest.raises(NotFound):
            self.run(self.directory.put_account(replace(made, account_id=99)))

    def test_accounts_by_address_in_pages(self):
        self.run(self.directory.put_domain(Domain("a.example")))
        for name in ("c@example.org", "a@example.org", "b@a.example"):
            self.add(name)
        every = [each.address for each in self.run(self.directory.accounts())]
        assert every == ["a@example.org", "b@a.example", "c@example.org"]
        assert [each.address for each in self.run(self.directory.accounts("example.org", limit=1))] == [every[0]]
        after = self.run(self.directory.accounts("example.org", after="a@example.org"))
        assert [each.address for each in after] == ["c@example.org"]

    def test_removing_an_unknown_account(self):
        with pytest.raises(NotFound):
            self.run(self.directory.remove_account(77))

    # Resolving

    def test_resolve_account_in_any_case(self):
        self.add("anna@example.org")
        assert self.resolved("Anna@Example.ORG") == ["anna@example.org"]

    def test_nobody(self):
        self.add("anna@example.org")
        for address in ("bob@example.org", "anna@example.com", "@example.org", "anna", "", "+tag@example.org"):
            with pytest.raises(NotFound):
                self.run(self.directory.resolve(address))

    def test_alias_to_several_each_account_once(self):
        for name in ("anna@example.org", "bob@example.org"):
            self.add(name)
        self.alias("staff@example.org", "anna@example.org", "bob@example.org")
        self.alias("all@example.org", "bob@example.org", "staff@example.org")
        assert sorted(self.resolved("all@example.org")) == ["anna@example.org", "bob@example.org"]

    def forwards(self, address):
        return list(self.run(self.directory.forwards(address)))

    def test_alias_targets_in_domains_of_ours_must_be_here(self):
        with pytest.raises(NotFound):
            self.alias("x@example.org", "nobody@example.org")

    def test_alias_targets_at_other_servers_are_forwards(self):
        self.add("anna@example.org")
        self.alias("away@example.org", "a@elsewhere.example")
        self.alias("all@example.org", "anna@example.org", "b@elsewhere.example", "away@example.org")
        assert self.resolved("away@example.org") == []
        assert self.forwards("away@example.org") == ["a@elsewhere.example"]
        assert self.resolved("All+x@example.org") == ["anna@example.org"]
        assert sorted(self.forwards("All+x@example.org")) == ["a@elsewhere.example", "b@elsewhere.example"]
        assert self.forwards("anna@example.org") == self.forwards("nobody@example.org") == []
        self.run(self.directory.put_domain(Domain("example.org", catch_all="away@example.org")))
        assert self.forwards("nobody@example.org") == ["a@elsewhere.example"]
        self.run(self.directory.put_domain(Domain("elsewhere.example", position=5)))  # ours from now on, and without a
        with pytest.raises(NotFound):
            self.resolved("away@example.org")

    def test_alias_loops_are_refused(self):
        self.add("anna@example.org")
        self.alias("a@example.org", "anna@example.org")
        self.alias("b@example.org", "a@example.org")
        for targets in (("b@example.org",), ("a@example.org",)):
            with pytest.raises(LimitReached):
                self.alias("a@example.org", *targets)
        assert self.resolved("a@example.org") == ["anna@example.org"]

    def test_an_alias_without_target_is_refused(self):
        with pytest.raises(LimitReached):
            self.alias("a@example.org")

    def test_subaddress(self):
        account = self.add("anna@example.org")
        self.alias("sales@example.org", "anna@example.org")
        assert self.run(self.directory.resolve("anna+Lists+x@example.org")) == (Recipient(account, "lists+x"),)
        assert self.run(self.directory.resolve("sales+q3@example.org")) == (Recipient(account, "q3"),)

    def test_an_account_with_the_delimiter_in_its_name_comes_before_the_subaddress(self):
        self.add("anna@example.org")
        self.add("anna+own@example.org")
        assert self.resolved("anna+own@example.org") == ["anna+own@example.org"]

    def test_catch_all_comes_last(self):
        self.add("anna@example.org")
        self.add("rest@example.org")
        self.run(self.directory.put_domain(Domain("example.org", "rest@example.org")))
        assert self.resolved("whoever@example.org") == ["rest@example.org"]
        assert self.resolved("anna+x@example.org") == ["anna@example.org"]

    def test_removed_alias_leads_nowhere(self):
        self.add("anna@example.org")
        self.alias("a@example.org", "anna@example.org")
        self.resolved("a@example.org")
        self.run(self.directory.remove_alias("a@example.org"))
        with pytest.raises(NotFound):
            self.run(self.directory.resolve("a@example.org"))
        with pytest.raises(NotFound):
            self.run(self.directory.remove_alias("a@example.org"))

    def test_aliases_by_address(self):
        self.add("anna@example.org")
        for name in ("z@example.org", "b@example.org"):
            self.alias(name, "anna@example.org")
        assert [each.address for each in self.run(self.directory.aliases())] == ["b@example.org", "z@example.org"]
        assert [each.address for each in self.run(self.directory.aliases(after="b@example.org"))] == ["z@example.org"]
        assert self.run(self.directory.alias("z@example.org")).targets == ("anna@example.org",)

    # Logging in

    def test_login_names(self):
        self.run(self.directory.put_domain(Domain("second.example", position=1)))
        made = self.add("anna@example.org")
        other = self.add("anna@second.example")
        assert self.run(self.directory.login_account("ANNA")) == made
        assert self.run(self.directory.login_account("anna@second.example")) == other
        for name in ("bob", "anna+x", "", "@"):
            with pytest.raises(NotFound):
                self.run(self.directory.login_account(name))

    def test_the_first_domain_may_change(self):
        self.add("anna@example.org")
        self.run(self.directory.put_domain(Domain("second.example", position=-1)))
        other = self.add("anna@second.example")
        assert self.run(self.directory.login_account("anna")) == other

    def test_credentials(self):
        made = self.add("anna@example.org", credentials_of("pw"))
        stored = self.run(self.directory.credentials(made.account_id))
        assert stored == credentials_of("pw", account_id=made.account_id)
        self.run(self.directory.put_credentials(replace(stored, generation=2, apop_secret="s")))
        assert self.run(self.directory.credentials(made.account_id)).apop_secret == "s"

    def test_credentials_are_changed_by_one_at_a_time(self):
        made = self.add("anna@example.org", credentials_of("pw"))
        for generation in (1, 3):
            with pytest.raises(Conflict):
                self.run(
                    self.directory.put_credentials(
                        credentials_of("x", account_id=made.account_id, generation=generation)
                    )
                )
        with pytest.raises(NotFound):
            self.run(self.directory.put_credentials(credentials_of("x", account_id=99, generation=1)))

    def test_credentials_go_with_the_account(self):
        made = self.add("anna@example.org", credentials_of("pw"))
        self.run(self.directory.remove_account(made.account_id))
        assert self.run(self.directory.credentials(made.account_id)) is None
        assert self.run(self.directory.credentials(self.add("bob@example.org").account_id)) is None

    def test_use_is_noted_without_a_new_generation(self):
        made = self.add("anna@example.org", credentials_of("pw", "phone"))
        self.run(self.directory.note_use(made.account_id, "app1", 5_000))
        stored = self.run(self.directory.credentials(made.account_id))
        assert [each.last_used_at for each in stored.secrets] == [None, 5_000]
        assert stored.generation == 1
        self.run(self.directory.note_use(made.account_id, "gone", 5_000))
        self.run(self.directory.note_use(99, "", 5_000))

    def test_server_secrets_stay(self):
        secret = self.run(self.directory.server_secret("nobody"))
        assert len(secret) == 32
        assert self.run(self.directory.server_secret("nobody")) == secret
        assert self.run(self.directory.server_secret("other")) != secret

    # Durability

    def test_all_of_it_is_there_again(self):
        made = self.add("anna@example.org", credentials_of("pw"))
        self.alias("a@example.org", "anna@example.org")
        self.run(self.directory.put_domain(Domain("example.org", "a@example.org")))
        secret = self.run(self.directory.server_secret("nobody"))
        self.directory = self.again()
        assert self.resolved("whoever@example.org") == ["anna@example.org"]
        assert isinstance(self.run(self.directory.credentials(made.account_id)), Credentials)
        assert self.run(self.directory.server_secret("nobody")) == secret
        assert self.add("bob@example.org").account_id == made.account_id + 1

    # Logins that end

    def told(self):
        events = []
        self.directory.tell_revoked(events.append)
        return events

    def test_a_changed_or_removed_secret_ends_its_logins_and_no_others(self):
        account = self.add("anna@example.org", credentials_of("main", "app"))
        events = self.told()
        now = self.run(self.directory.credentials(account.account_id))
        main, phone = now.secrets
        self.run(self.directory.put_credentials(replace(now, generation=now.generation + 1, secrets=(main,))))
        assert events == [Revoked(account.account_id, frozenset({phone.label}))]
        changed = replace(main, argon2="other")
        self.run(self.directory.put_credentials(replace(now, generation=now.generation + 2, secrets=(changed,))))
        assert events[1:] == [Revoked(account.account_id, frozenset({""}))]

    def test_a_new_secret_ends_nothing(self):
        account = self.add("anna@example.org", credentials_of("main"))
        events = self.told()
        now = self.run(self.directory.credentials(account.account_id))
        added = (*now.secrets, replace(now.secrets[0], label="phone"))
        changed = replace(now, generation=now.generation + 1, secrets=added, apop_secret="new")
        self.run(self.directory.put_credentials(changed))
        assert events == []
        self.run(self.directory.put_credentials(replace(changed, generation=now.generation + 2, apop_secret="other")))
        assert events == [Revoked(account.account_id, frozenset(), apop=True)]

    def test_a_disabled_or_removed_account_ends_all_its_logins(self):
        account = self.add("anna@example.org", credentials_of("main"))
        events = self.told()
        self.run(self.directory.put_account(replace(account, display_name="Anna")))
        assert events == []
        self.run(self.directory.put_account(replace(account, disabled=True)))
        self.run(self.directory.remove_account(account.account_id))
        assert events == [Revoked(account.account_id, None)] * 2

    def test_a_listener_that_fails_hurts_no_other(self):
        account = self.add("anna@example.org")
        self.directory.tell_revoked(lambda revoked: 1 / 0)
        events = self.told()
        self.run(self.directory.remove_account(account.account_id))
        assert events == [Revoked(account.account_id, None)]
