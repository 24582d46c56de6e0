"""The first domain and, for a demonstration, its first accounts.

Standing rules: what exists is left alone, passwords included.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time

from mailserverd.accounts.passwords import SCRAM_ITERATIONS, make_credential, new_scram_salt
from mailserverd.config.schema import Mailboxes
from mailserverd.interfaces.directory import Directory
from mailserverd.model.account import Account, Credentials, Domain
from mailserverd.model.address import canonical_domain, check_domain
from mailserverd.model.identifiers import AccountId

DEMO_NAMES = ("alice", "bob")
_NO_ID = AccountId(0)


async def add_first(directory: Directory, domain: str, passwords: Mapping[str, str]) -> list[Account]:
    """Make the domain and the accounts of `passwords` (address -> password); the accounts made now.

    Raises ValueError where the domain is no domain.
    """
    name = canonical_domain(domain)
    if (wrong := check_domain(name)) is not None:
        raise ValueError(wrong)
    domains = await directory.domains()
    if name not in [each.name for each in domains]:
        await directory.put_domain(Domain(name, position=len(domains)))
    taken = {account.address for account in await directory.accounts(name)}
    made = []
    for address, password in passwords.items():
        if address not in taken:
            made.append(await directory.add_account(Account(_NO_ID, address), _credentials(password)))
    return made


def special_uses(mailboxes: Mailboxes) -> dict[str, str]:
    """What a new account is furnished with: special use (RFC 6154) -> name."""
    return {
        "\\Drafts": mailboxes.drafts,
        "\\Sent": mailboxes.sent,
        "\\Junk": mailboxes.junk,
        "\\Trash": mailboxes.trash,
        "\\Archive": mailboxes.archive,
    }


def _credentials(password: str) -> Credentials:
    salt = new_scram_salt()
    main = make_credential(password, salt, SCRAM_ITERATIONS, "", int(time()))
    return Credentials(_NO_ID, 1, salt, SCRAM_ITERATIONS, (main,))
