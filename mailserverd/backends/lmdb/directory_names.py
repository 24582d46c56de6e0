"""Everything the directory knows by name, in memory: what an address or a login leads to.

Standing rules: changed only after the commit it mirrors; a lookup costs a few dictionary reads, whatever a stranger
asks for; what is remembered of lookups is bounded by the number of names that exist.
"""

from collections.abc import Iterable
from typing import NamedTuple

from mailserverd.model.account import Account, Alias, Domain, Recipient
from mailserverd.model.address import canonical_address, canonical_domain
from mailserverd.model.errors import NotFound
from mailserverd.model.identifiers import AccountId

MAX_ALIAS_DEPTH = 16
MAX_RECIPIENTS = 1000


class Found(NamedTuple):
    """What an address leads to: accounts here, addresses at other servers."""

    recipients: tuple[Recipient, ...]
    forwards: tuple[str, ...] = ()


class DirectoryNames:
    """delimiter: what parts a name from its subaddress; "" for none."""

    def __init__(
        self, domains: Iterable[Domain], accounts: Iterable[Account], aliases: Iterable[Alias], delimiter: str
    ) -> None:
        self.domains = {domain.name: domain for domain in domains}
        self.by_address = {account.address: account for account in accounts}
        self.by_id: dict[AccountId, Account] = {each.account_id: each for each in self.by_address.values()}
        self.aliases = {alias.address: alias for alias in aliases}
        self.delimiter = delimiter
        self.first_domain = ""
        self._resolved: dict[str, Found] = {}
        self.changed()

    def changed(self) -> None:
        """Call after every change of the dictionaries."""
        self._resolved.clear()
        self.first_domain = min(self.domains.values(), key=_rank).name if self.domains else ""

    def ordered_domains(self) -> list[Domain]:
        return sorted(self.domains.values(), key=_rank)

    def is_local(self, domain: str) -> bool:
        return domain in self.domains or canonical_domain(domain) in self.domains

    def login_account(self, login: str) -> Account:
        address = canonical_address(login if "@" in login else f"{login}@{self.first_domain}")
        account = self.by_address.get(address)
        if account is None:
            raise NotFound("no such account")
        return account

    def resolve(self, address: str) -> Found:
        """The order is RFC 5233's and common sense's: the whole name, then without its subaddress, then catch-all."""
        known = self._resolved.get(address)
        if known is not None:
            return known
        canonical = canonical_address(address)
        found = self._exact(canonical) or self._by_subaddress(canonical) or self._by_catch_all(canonical)
        if found is None:
            raise NotFound(f"nobody has the address {canonical}")
        return found

    def _exact(self, address: str) -> Found | None:
        """What an account or alias of exactly this address gives; remembered, for it is asked for at each RCPT."""
        known = self._resolved.get(address)
        if known is None:
            account = self.by_address.get(address)
            if account is not None:
                known = Found((Recipient(account),))
            elif address in self.aliases:
                known = self._followed(address)
            if known is None or not any(known):
                return None
            self._resolved[address] = known
        return known

    def _by_subaddress(self, address: str) -> Found | None:
        local, _, domain = address.rpartition("@")
        name, delimiter, detail = local.partition(self.delimiter) if self.delimiter else (local, "", "")
        found = self._exact(f"{name}@{domain}") if delimiter and name else None
        if found is None:
            return None
        return Found(tuple(Recipient(each.account, detail) for each in found.recipients), found.forwards)

    def _by_catch_all(self, address: str) -> Found | None:
        domain = self.domains.get(address.rpartition("@")[2])
        return self._exact(domain.catch_all) if domain is not None and domain.catch_all else None

    def _followed(self, address: str) -> Found:
        """What is behind an alias, each once, in order. Names that lead nowhere any more are passed over."""
        accounts: dict[AccountId, Account] = {}
        forwards: dict[str, None] = {}
        seen, wave = {address}, [address]
        for _ in range(MAX_ALIAS_DEPTH):
            targets = [target for name in wave if name in self.aliases for target in self.aliases[name].targets]
            for account in (self.by_address[target] for target in targets if target in self.by_address):
                accounts.setdefault(account.account_id, account)
            forwards.update(dict.fromkeys(target for target in targets if self.is_elsewhere(target)))
            wave = [target for target in dict.fromkeys(targets) if target not in seen and target in self.aliases]
            seen.update(wave)
            if not wave or len(accounts) >= MAX_RECIPIENTS:
                break
        return Found(tuple(map(Recipient, accounts.values()))[:MAX_RECIPIENTS], tuple(forwards)[:MAX_RECIPIENTS])

    def is_elsewhere(self, address: str) -> bool:
        """Whether an address is one of another server."""
        return not self.is_local(address.rpartition("@")[2])

    def leads_somewhere(self, address: str) -> bool:
        return address in self.by_address or address in self.aliases

    def has_loop(self, alias: Alias) -> bool:
        """Whether following this alias (not stored yet) comes back to it, or goes deeper than we follow."""
        wave = list(alias.targets)
        for _ in range(MAX_ALIAS_DEPTH):
            if alias.address in wave:
                return True
            wave = list({target for name in wave if name in self.aliases for target in self.aliases[name].targets})
            if not wave:
                return False
        return True


def _rank(domain: Domain) -> tuple[int, str]:
    return domain.position, domain.name
