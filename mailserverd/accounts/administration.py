"""What the verbs of an administrator share: the directory, the mail behind it, and how a verb says no.

Standing rules: a verb takes and gives JSON values only; addresses are brought into canonical form here and checked
before anything is created; passwords and their hashes never come back out, except a generated one, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mailserverd.accounts.hashing_pool import Hashing
from mailserverd.interfaces.directory import Directory
from mailserverd.model.account import Account
from mailserverd.model.address import canonical_address, canonical_domain, check_address, check_domain
from mailserverd.model.identifiers import AccountId
from mailserverd.model.mailbox import AccountState

Answer = dict[str, Any]
MAX_NAME = 256
MAX_HOLD_SECONDS = 86400


class VerbRefused(Exception):
    """The verb cannot be done as asked; the text is one line for the administrator."""


class AccountMailboxes(Protocol):
    """The mail behind an account, as far as its administration goes. Assembly fills it with the MailStore."""

    async def furnish(self, account_id: AccountId) -> None:
        """Make the mailboxes that a new account starts with; those that are there are left alone."""
        ...

    async def remove(self, account_id: AccountId) -> None:
        """Delete all mail of the account for good."""
        ...

    async def state(self, account_id: AccountId) -> AccountState: ...


@dataclass(frozen=True, slots=True)
class Administration:
    """wall_seconds: seconds since the epoch."""

    directory: Directory
    mailboxes: AccountMailboxes
    hashing: Hashing
    wall_seconds: Callable[[], float]

    async def account(self, address: str) -> Account:
        """Raises NotFound."""
        return await self.directory.account(canonical_address(address))


def checked_address(address: str) -> str:
    """The canonical form of an address that is to be created. Raises VerbRefused."""
    canonical = canonical_address(address.strip())
    wrong = check_address(canonical)
    if wrong is not None:
        raise VerbRefused(wrong)
    return canonical


def checked_domain(domain: str) -> str:
    canonical = canonical_domain(domain.strip())
    wrong = check_domain(canonical)
    if wrong is not None:
        raise VerbRefused(wrong)
    return canonical


def checked_octets(name: str, octets: int | None) -> int | None:
    if octets is not None and not 0 <= octets < 2**63:
        raise VerbRefused(f"{name} must be a number of octets, not {octets}")
    return octets


def checked_name(name: str) -> str:
    if len(name) > MAX_NAME or not name.isprintable():
        raise VerbRefused(f"a display name has at most {MAX_NAME} printable characters")
    return name


def checked_class(text: str) -> str:
    """The name of a class of mail, or "". Raises VerbRefused."""
    if not text.isprintable() or len(text) > 100 or " " in text:
        raise VerbRefused(f"{text!r} is no name of a class")
    return text


def checked_hold(seconds: int) -> int:
    """For how long sent mail can be taken back. Raises VerbRefused."""
    if not 0 <= seconds <= MAX_HOLD_SECONDS:
        raise VerbRefused(f"sent mail can be held for 0 to {MAX_HOLD_SECONDS} seconds")
    return seconds
