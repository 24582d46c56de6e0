"""`directory export` and `directory apply`: the server's directory made the same as a file.

Standing rules: the difference is worked out first and told; it is then done in steps, each durable, in an order in
which every step holds by itself, so an apply that was interrupted is finished by another; accounts (and their mail)
are removed only when that was asked for in so many words.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from mailserverd.accounts.administration import Administration, Answer, VerbRefused
from mailserverd.accounts.alias_verbs import PAGE
from mailserverd.accounts.directory_file import Wanted, parsed, written
from mailserverd.model.account import Account, Alias, Credentials, Domain
from mailserverd.model.errors import LimitReached, NotFound

T = TypeVar("T")
Step = tuple[str, Callable[[], Awaitable[object]]]
"""What it does, in one line, and how."""


class DirectoryVerbs:
    def __init__(self, administration: Administration) -> None:
        self._all = administration
        self._directory = administration.directory

    async def export(self, secrets: bool = True) -> Answer:
        accounts = [
            (account, await self._directory.credentials(account.account_id) if secrets else None)
            for account in await self._accounts()
        ]
        return {"toml": written(await self._directory.domains(), accounts, await self._aliases())}

    async def apply(self, toml: str, dry_run: bool = False, remove_accounts: bool = False) -> Answer:
        steps = await self._steps(parsed(toml), remove_accounts)
        if not dry_run:
            for _, do in steps:
                await do()
        return {"changes": [what for what, _ in steps], "applied": not dry_run}

    async def _accounts(self) -> list[Account]:
        found: list[Account] = []
        while page := await self._directory.accounts(None, found[-1].address if found else "", PAGE):
            found += page
        return found

    async def _aliases(self) -> list[Alias]:
        found: list[Alias] = []
        while page := await self._directory.aliases(None, found[-1].address if found else "", PAGE):
            found += page
        return found

    async def _steps(self, wanted: Wanted, remove_accounts: bool) -> list[Step]:
        """New domains, then what leads to nothing new, then what may lead to it; removals where nothing leads there."""
        domains = {domain.name: domain for domain in await self._directory.domains()}
        accounts = {account.address: account for account in await self._accounts()}
        aliases = {alias.address: alias for alias in await self._aliases()}
        surplus = [account for address, account in accounts.items() if address not in wanted.accounts]
        if surplus and not remove_accounts:
            names = ", ".join(account.address for account in surplus[:5])
            raise VerbRefused(
                f"the file lacks {len(surplus)} accounts ({names}{' ...' if len(surplus) > 5 else ''});"
                " to delete them and their mail add --remove-accounts"
            )
        return [
            *self._new_domains(wanted, domains),
            *self._account_becomes_alias(wanted, accounts, aliases),
            *await self._account_steps(wanted, accounts),
            *self._alias_steps(wanted, aliases),
            *self._domain_changes(wanted, domains),
            *self._removals(wanted, domains, surplus, aliases),
        ]

    def _new_domains(self, wanted: Wanted, domains: dict[str, Domain]) -> list[Step]:
        """Without their catch-all, whose target may not be there yet."""
        return [
            (f"add domain {domain.name}", _put(self._directory.put_domain, replace(domain, catch_all=None)))
            for domain in wanted.domains
            if domain.name not in domains
        ]

    def _account_becomes_alias(
        self, wanted: Wanted, accounts: dict[str, Account], aliases: dict[str, Alias]
    ) -> list[Step]:
        """Names that change their kind would stand in their own way."""
        for address in wanted.aliases:
            if address in accounts:
                raise VerbRefused(f"{address} is an account and would become an alias; remove the account first")
        return [
            (f"remove alias {address}", _put(self._directory.remove_alias, address))
            for address in sorted(aliases)
            if address in wanted.accounts
        ]

    async def _account_steps(self, wanted: Wanted, accounts: dict[str, Account]) -> list[Step]:
        steps: list[Step] = []
        for address, account in sorted(wanted.accounts.items()):
            credentials = wanted.credentials.get(address)
            known = accounts.get(address)
            if known is None:
                steps.append((f"add account {address}", _put(self._add, (account, credentials))))
                continue
            changed = replace(account, account_id=known.account_id)
            if changed != known:
                what = ", ".join(_differences(known, changed))
                steps.append((f"set account {address}: {what}", _put(self._directory.put_account, changed)))
            if credentials is not None:
                steps += await self._credential_steps(known, credentials)
        return steps

    async def _add(self, new: tuple[Account, Credentials | None]) -> None:
        account, credentials = new
        first = replace(credentials, generation=1) if credentials is not None else None
        made = await self._directory.add_account(account, first)
        await self._all.mailboxes.furnish(made.account_id)

    async def _credential_steps(self, account: Account, wanted: Credentials) -> list[Step]:
        stored = await self._directory.credentials(account.account_id)
        used = {secret.argon2: secret.last_used_at for secret in stored.secrets} if stored else {}
        secrets = tuple(replace(each, last_used_at=used.get(each.argon2)) for each in wanted.secrets)
        changed = replace(wanted, account_id=account.account_id, secrets=secrets)
        if not secrets and stored is not None:  # nothing but an APOP secret: the others stay as they are
            changed = replace(stored, apop_secret=wanted.apop_secret)
        before = stored.generation if stored else 0
        if stored is not None and replace(changed, generation=before) == stored:
            return []
        new = replace(changed, generation=before + 1)
        return [(f"set passwords of {account.address}", _put(self._directory.put_credentials, new))]

    def _alias_steps(self, wanted: Wanted, aliases: dict[str, Alias]) -> list[Step]:
        """An alias comes after the aliases that it leads to. Raises LimitReached for a loop."""
        left = {address: alias for address, alias in wanted.aliases.items() if aliases.get(address) != alias}
        steps: list[Step] = []
        while left:
            free = [address for address, alias in sorted(left.items()) if not any(t in left for t in alias.targets)]
            if not free:
                raise LimitReached(f"alias {min(left)} would lead back to itself")
            for address in free:
                verb = "set" if address in aliases else "add"
                alias = left.pop(address)
                line = f"{verb} alias {address} -> {', '.join(alias.targets)}"
                steps.append((line, _put(self._directory.put_alias, alias)))
        return steps

    def _domain_changes(self, wanted: Wanted, domains: dict[str, Domain]) -> list[Step]:
        steps: list[Step] = []
        order = [name for name in (domain.name for domain in wanted.domains) if name in domains]
        reordered = order != [name for name in domains if name in order] or len(order) != len(wanted.domains)
        for domain in wanted.domains:
            known = domains.get(domain.name, replace(domain, catch_all=None))
            if domain.catch_all != known.catch_all:
                line = f"set domain {domain.name}: catch-all {domain.catch_all or 'none'}"
                steps.append((line, _put(self._directory.put_domain, domain)))
            elif reordered and domain.position != known.position:
                line = f"set domain {domain.name}: position {domain.position + 1}"
                steps.append((line, _put(self._directory.put_domain, domain)))
        return steps

    def _removals(
        self, wanted: Wanted, domains: dict[str, Domain], accounts: list[Account], aliases: dict[str, Alias]
    ) -> list[Step]:
        gone_aliases = [a for a in sorted(aliases) if a not in wanted.aliases and a not in wanted.accounts]
        kept = {domain.name for domain in wanted.domains}
        return [
            *((f"remove alias {address}", _put(self._directory.remove_alias, address)) for address in gone_aliases),
            *((f"remove account {account.address} and its mail", _put(self._remove, account)) for account in accounts),
            *(
                (f"remove domain {name}", _put(self._directory.remove_domain, name))
                for name in domains
                if name not in kept
            ),
        ]

    async def _remove(self, account: Account) -> None:
        await self._directory.put_account(replace(account, disabled=True))
        await self._all.mailboxes.remove(account.account_id)
        try:
            await self._directory.remove_account(account.account_id)
        except NotFound:
            return


def _put(do: Callable[[T], Awaitable[object]], what: T) -> Callable[[], Awaitable[object]]:
    return lambda: do(what)


def _differences(before: Account, after: Account) -> list[str]:
    fields = (
        ("name", before.display_name, after.display_name),
        ("disabled", before.disabled, after.disabled),
        ("quota_bytes", before.quota_octets, after.quota_octets),
        ("max_message_bytes", before.max_message_octets, after.max_message_octets),
        ("mail_class", before.mail_class, after.mail_class),
        ("mail_classes", before.mail_classes, after.mail_classes),
        ("hold_seconds", before.hold_seconds, after.hold_seconds),
        ("keep_sent", before.keep_sent, after.keep_sent),
    )
    return [f"{name} {old!r} -> {new!r}" for name, old, new in fields if old != new]
