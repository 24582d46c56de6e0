"""The first domain and, for a demonstration, its first accounts.

Standing rules: what exists is left alone, passwords included.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time

from mailserverd.accounts.passwords import SCRAM_ITERATIONS, make_credential, new_scram_salt
from mailserverd.assembly.embedded import Backends
from mailserverd.config.schema import Config, Mailboxes
from mailserverd.mailstore.mailboxes import furnish
from mailserverd.model.account import Account, Credentials, Domain
from mailserverd.model.identifiers import AccountId

DEMO_NAMES = ("alice", "bob")
_NO_ID = AccountId(0)


async def add_first(backends: Backends, config: Config, domain: str, passwords: Mapping[str, str]) -> list[str]:
    """Make the domain, and the accounts of `passwords` (address -> password); the addresses made now."""
    directory = backends.directory
    domains = await directory.domains()
    if domain not in [each.name for each in domains]:
        await directory.put_domain(Domain(domain, position=len(domains)))
    taken = {account.address for account in await directory.accounts(domain)}
    made = [address for address in passwords if address not in taken]
    for address in made:
        account = await directory.add_account(Account(_NO_ID, address), _credentials(passwords[address]))
        await furnish(await backends.mail.open(account.account_id), special_uses(config.mailboxes))
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
