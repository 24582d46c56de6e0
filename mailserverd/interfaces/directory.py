"""Directory: domains, accounts, aliases, credentials, limits.

Names are compared lower-case; domains in their U-label form. Reads come from memory; writes are durable when
they return and are seen by every later read.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from mailserverd.model.account import Account, Alias, Credentials, Domain, Recipient, Revoked
from mailserverd.model.identifiers import AccountId


class Directory(Protocol):
    async def domains(self) -> list[Domain]: ...

    async def put_domain(self, domain: Domain) -> None:
        """Create or replace. Raises NotFound where catch_all leads nowhere."""
        ...

    async def remove_domain(self, name: str) -> None:
        """Raises NotFound; LimitReached while accounts or aliases are in it."""
        ...

    async def account(self, address: str) -> Account:
        """Raises NotFound."""
        ...

    async def account_by_id(self, account_id: AccountId) -> Account:
        """Raises NotFound."""
        ...

    async def accounts(self, domain: str | None = None, after: str = "", limit: int = 1000) -> list[Account]:
        """By address, those after `after`."""
        ...

    async def add_account(self, account: Account, credentials: Credentials | None) -> Account:
        """account_id is assigned here. Raises AlreadyExists, NotFound (domain)."""
        ...

    async def put_account(self, account: Account) -> None:
        """Replace all but the id and the address. Raises NotFound."""
        ...

    async def remove_account(self, account_id: AccountId) -> None:
        """The directory entry only; its mail is the MailStore's. Raises NotFound."""
        ...

    async def aliases(self, domain: str | None = None, after: str = "", limit: int = 1000) -> list[Alias]: ...

    async def alias(self, address: str) -> Alias:
        """Raises NotFound."""
        ...

    async def put_alias(self, alias: Alias) -> None:
        """A target at another server is forwarded to. Raises AlreadyExists (an account has the address), NotFound (the
        domain, or a target in a domain of ours), LimitReached (a loop)."""
        ...

    async def remove_alias(self, address: str) -> None: ...

    async def credentials(self, account_id: AccountId) -> Credentials | None: ...

    async def put_credentials(self, credentials: Credentials) -> None:
        """The generation must be one above the stored one. Raises Conflict, NotFound."""
        ...

    async def note_use(self, account_id: AccountId, label: str, at: int) -> None:
        """A secret was used to log in at this time. No new generation; nothing happens where it is gone."""
        ...

    def tell_revoked(self, listener: Callable[[Revoked], None]) -> None:
        """Call this, in the reactor thread, after each durable change by which somebody who is logged in may no
        longer be: an account disabled or removed, a secret changed or removed. A listener must not block."""
        ...

    async def server_secret(self, name: str) -> bytes:
        """32 random octets, made when first asked for and the same ever after; name: what they are for."""
        ...

    async def resolve(self, address: str) -> Sequence[Recipient]:
        """The accounts that mail to `address` goes to: account, alias (followed), subaddress, catch-all, in this
        order; each account once. Disabled accounts are included (the caller refuses them). Empty: it leads to other
        servers only. Raises NotFound: a domain of ours without such a name, or not our domain (is_local tells)."""
        ...

    async def forwards(self, address: str) -> Sequence[str]:
        """The addresses at other servers that mail to `address` goes to by aliases, each once; empty: none."""
        ...

    def is_local(self, domain: str) -> bool:
        """Whether mail for the domain is ours to take."""
        ...

    async def login_account(self, login: str) -> Account:
        """The account a login name means: an address, or a name of the first domain. Raises NotFound."""
        ...
