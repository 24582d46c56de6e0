"""The first domain with its keys and, for a demonstration, its first accounts.

Standing rules: what exists is left alone, passwords included.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from time import time

from mailserverd.accounts.passwords import SCRAM_ITERATIONS, make_credential, new_scram_salt
from mailserverd.assembly.account_mailboxes import StoredMailboxes
from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.signing import dkim_keys
from mailserverd.config.schema import Config
from mailserverd.model.account import Account, Credentials, Domain
from mailserverd.model.address import ascii_domain
from mailserverd.model.identifiers import AccountId
from mailserverd.queue.key_rotation import NothingToDo
from mailserverd.wire.authentication.signing_key import UnusableKey

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
    mailboxes = StoredMailboxes(backends.mail, lambda: config.mailboxes)
    for address in made:
        account = await directory.add_account(Account(_NO_ID, address), _credentials(passwords[address]))
        await mailboxes.furnish(account.account_id)
    return made


def add_first_keys(config: Config, domain: str) -> None:
    """The DKIM keys of the domain, where it has none. Raises OSError."""
    keys = dkim_keys(config)
    keys.load()
    with suppress(NothingToDo, UnusableKey):
        keys.create(ascii_domain(domain), int(time()))


def _credentials(password: str) -> Credentials:
    salt = new_scram_salt()
    main = make_credential(password, salt, SCRAM_ITERATIONS, "", int(time()))
    return Credentials(_NO_ID, 1, salt, SCRAM_ITERATIONS, (main,))
