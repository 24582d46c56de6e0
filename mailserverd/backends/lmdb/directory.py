"""LmdbDirectory: the Directory interface over the embedded store.

Standing rules: one change at a time (`_lock`): checked against memory, committed, then mirrored in memory; credentials
stay on disk alone and are read when somebody logs in.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from mailserverd.backends.lmdb.directory_names import MAX_RECIPIENTS, DirectoryNames
from mailserverd.backends.lmdb.directory_records import (
    NEXT_ID,
    Records,
    account_key,
    alias_key,
    credentials_key,
    domain_key,
    encoded,
    secret_key,
    stored_accounts,
    stored_aliases,
    stored_credentials,
    stored_domains,
)
from mailserverd.model.account import Account, Alias, Credentials, Domain, Recipient, Revoked
from mailserverd.model.errors import AlreadyExists, Conflict, LimitReached, NotFound
from mailserverd.model.identifiers import AccountId

_FIRST_ID = 1
_log = Logger()


class LmdbDirectory:
    """subaddress_delimiter: [delivery] subaddress_delimiter; may be changed while the server runs."""

    def __init__(self, records: Records, subaddress_delimiter: str = "+") -> None:
        self._records = records
        self._lock = DeferredLock()
        self._revoked_listeners: list[Callable[[Revoked], None]] = []
        self._names = DirectoryNames(
            stored_domains(records), stored_accounts(records), stored_aliases(records), subaddress_delimiter
        )

    @property
    def subaddress_delimiter(self) -> str:
        return self._names.delimiter

    @subaddress_delimiter.setter
    def subaddress_delimiter(self, delimiter: str) -> None:
        self._names.delimiter = delimiter

    # Reading

    async def domains(self) -> list[Domain]:
        return self._names.ordered_domains()

    async def account(self, address: str) -> Account:
        return self._named(address)

    async def account_by_id(self, account_id: AccountId) -> Account:
        account = self._names.by_id.get(account_id)
        if account is None:
            raise NotFound(f"no account with the id {account_id}")
        return account

    async def accounts(self, domain: str | None = None, after: str = "", limit: int = 1000) -> list[Account]:
        names = sorted(name for name in self._names.by_address if name > after and _is_in(name, domain))
        return [self._names.by_address[name] for name in names[:limit]]

    async def aliases(self, domain: str | None = None, after: str = "", limit: int = 1000) -> list[Alias]:
        names = sorted(name for name in self._names.aliases if name > after and _is_in(name, domain))
        return [self._names.aliases[name] for name in names[:limit]]

    async def alias(self, address: str) -> Alias:
        alias = self._names.aliases.get(address)
        if alias is None:
            raise NotFound(f"no alias {address}")
        return alias

    async def credentials(self, account_id: AccountId) -> Credentials | None:
        return stored_credentials(self._records, account_id)

    async def resolve(self, address: str) -> Sequence[Recipient]:
        return self._names.resolve(address).recipients

    async def forwards(self, address: str) -> Sequence[str]:
        try:
            return self._names.resolve(address).forwards
        except NotFound:
            return ()

    def is_local(self, domain: str) -> bool:
        return self._names.is_local(domain)

    def quota_octets(self, account_id: AccountId) -> int | None:
        """For the mail store, which asks within a commit: None where the account has no quota of its own."""
        account = self._names.by_id.get(account_id)
        return None if account is None else account.quota_octets

    async def login_account(self, login: str) -> Account:
        return self._names.login_account(login)

    # Changing

    async def put_domain(self, domain: Domain) -> None:
        async with self._lock:
            if domain.catch_all is not None and not self._names.leads_somewhere(domain.catch_all):
                raise NotFound(f"catch-all {domain.catch_all} is neither an account nor an alias here")
            await self._records.write([(domain_key(domain.name), encoded(domain))])
            self._names.domains[domain.name] = domain
            self._names.changed()

    async def remove_domain(self, name: str) -> None:
        async with self._lock:
            self._require_domain(name)
            for kind, addresses in (("account", self._names.by_address), ("alias", self._names.aliases)):
                first = next((address for address in addresses if _is_in(address, name)), None)
                if first is not None:
                    raise LimitReached(f"domain {name} still holds the {kind} {first}")
            await self._records.write([], [domain_key(name)])
            del self._names.domains[name]
            self._names.changed()

    async def add_account(self, account: Account, credentials: Credentials | None) -> Account:
        async with self._lock:
            self._require_domain(account.address.rpartition("@")[2])
            self._require_free(account.address)
            stored = self._records.get(NEXT_ID)
            account_id = AccountId(int.from_bytes(stored) if stored else _FIRST_ID)
            account = replace(account, account_id=account_id)
            puts = [(NEXT_ID, (account_id + 1).to_bytes(8)), (account_key(account_id), encoded(account))]
            if credentials is not None:
                puts.append((credentials_key(account_id), encoded(replace(credentials, account_id=account_id))))
            await self._records.write(puts)
            self._remember(account)
            return account

    async def put_account(self, account: Account) -> None:
        async with self._lock:
            if self._named(account.address).account_id != account.account_id:
                raise NotFound(f"account {account.address} has another id")
            await self._records.write([(account_key(account.account_id), encoded(account))])
            self._remember(account)
            if account.disabled:
                self._revoke(Revoked(account.account_id, None))

    async def remove_account(self, account_id: AccountId) -> None:
        async with self._lock:
            account = await self.account_by_id(account_id)
            await self._records.write([], [account_key(account_id), credentials_key(account_id)])
            del self._names.by_id[account_id], self._names.by_address[account.address]
            self._names.changed()
            self._revoke(Revoked(account_id, None))

    async def put_alias(self, alias: Alias) -> None:
        async with self._lock:
            self._require_domain(alias.address.rpartition("@")[2])
            if alias.address in self._names.by_address:
                raise AlreadyExists(f"{alias.address} is an account")
            self._require_targets(alias)
            await self._records.write([(alias_key(alias.address), encoded(alias))])
            self._names.aliases[alias.address] = alias
            self._names.changed()

    async def remove_alias(self, address: str) -> None:
        async with self._lock:
            await self.alias(address)
            await self._records.write([], [alias_key(address)])
            del self._names.aliases[address]
            self._names.changed()

    async def put_credentials(self, credentials: Credentials) -> None:
        async with self._lock:
            await self.account_by_id(credentials.account_id)
            stored = stored_credentials(self._records, credentials.account_id)
            if credentials.generation != (stored.generation if stored else 0) + 1:
                raise Conflict("the account's passwords were changed by somebody else meanwhile")
            await self._records.write([(credentials_key(credentials.account_id), encoded(credentials))])
            if stored is not None:
                self._revoke(_revoked(stored, credentials))

    async def note_use(self, account_id: AccountId, label: str, at: int) -> None:
        async with self._lock:
            stored = stored_credentials(self._records, account_id)
            if stored is None:
                return
            used = tuple(replace(each, last_used_at=at) if each.label == label else each for each in stored.secrets)
            if used != stored.secrets:
                await self._records.write([(credentials_key(account_id), encoded(replace(stored, secrets=used)))])

    def tell_revoked(self, listener: Callable[[Revoked], None]) -> None:
        self._revoked_listeners.append(listener)

    def _revoke(self, revoked: Revoked) -> None:
        if revoked.labels is None or revoked.labels or revoked.apop:
            for listener in self._revoked_listeners:
                try:
                    listener(revoked)
                except Exception:
                    _log.failure("could not end the logins of account {account_id}", account_id=revoked.account_id)

    async def server_secret(self, name: str) -> bytes:
        async with self._lock:
            secret = self._records.get(secret_key(name))
            if secret is None:
                secret = secrets.token_bytes(32)
                await self._records.write([(secret_key(name), secret)])
            return secret

    # Rules

    def _named(self, address: str) -> Account:
        account = self._names.by_address.get(address)
        if account is None:
            raise NotFound(f"no account {address}")
        return account

    def _remember(self, account: Account) -> None:
        self._names.by_address[account.address] = self._names.by_id[account.account_id] = account
        self._names.changed()

    def _require_domain(self, name: str) -> None:
        if name not in self._names.domains:
            raise NotFound(f"no domain {name} here")

    def _require_free(self, address: str) -> None:
        if address in self._names.by_address:
            raise AlreadyExists(f"account {address} is there already")
        if address in self._names.aliases:
            raise AlreadyExists(f"{address} is an alias")

    def _require_targets(self, alias: Alias) -> None:
        if not 0 < len(alias.targets) <= MAX_RECIPIENTS:
            raise LimitReached(f"an alias has between 1 and {MAX_RECIPIENTS} targets")
        for target in alias.targets:
            known = self._names.leads_somewhere(target) or self._names.is_elsewhere(target)
            if target != alias.address and not known:
                raise NotFound(f"target {target} is neither an account nor an alias here")
        if self._names.has_loop(alias):
            raise LimitReached(f"alias {alias.address} would lead back to itself, or too deep")


def _revoked(before: Credentials, now: Credentials) -> Revoked:
    kept = {secret.label: secret.argon2 for secret in now.secrets}
    labels = frozenset(secret.label for secret in before.secrets if kept.get(secret.label) != secret.argon2)
    return Revoked(now.account_id, labels, bool(before.apop_secret) and before.apop_secret != now.apop_secret)


def _is_in(address: str, domain: str | None) -> bool:
    return domain is None or address.endswith("@" + domain)
