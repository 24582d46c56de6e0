"""Where mail for an address goes, asked at RCPT; and whose address a sender's is, asked at MAIL.

Standing rules: mail for other servers is taken of whoever is logged in, and of nobody else (no relay, RFC 5321 §7.9);
postmaster is never refused (RFC 5321 §4.5.1); the answer says in one line why not.
"""

from collections.abc import Callable
from typing import Protocol

from mailserverd.delivery.envelope import Remote, Routed
from mailserverd.delivery.reports import Reports
from mailserverd.interfaces.directory import Directory
from mailserverd.model.account import Account
from mailserverd.model.address import ascii_domain, canonical_address
from mailserverd.model.errors import NotFound, StoreError
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.wire.smtp.path import Path

UNKNOWN = Refused("5.1.1", "no such mailbox here")
NOT_OURS = Refused("5.7.1", "this server takes mail for its own domains only")
DISABLED = Refused("5.2.1", "this mailbox is disabled")
TOO_LARGE = Refused("5.3.4", "the message is larger than this mailbox takes")
FULL = TryLater("4.2.2", "this mailbox is full")
UNAVAILABLE = TryLater("4.3.0", "cannot look the address up now")


class Room(Protocol):
    """How much more an account's mail may take: mailstore knows."""

    async def has_room(self, account_id: AccountId, octets: int) -> bool: ...


class Sending(Protocol):
    """Who may send where: queue/submit knows."""

    async def admits(self, account: Account, address: str) -> Refused | TryLater | None:
        """None: mail of the account to this address elsewhere is taken. Raises StoreError."""
        ...


class WaysBack(Protocol):
    """delivery/forwarding."""

    def way_back(self, path: Path) -> Path | None:
        """Where a bounce of forwarded mail goes; None: the address was not made here."""
        ...


class Router:
    """postmaster: the configured address for postmaster's mail, "" for the first account."""

    def __init__(
        self,
        directory: Directory,
        room: Room,
        sending: Sending,
        reports: Reports,
        hostname: str,
        postmaster: Callable[[], str],
        forwarding: WaysBack,
    ) -> None:
        self._sending = sending
        self._reports = reports
        self._directory = directory
        self._room = room
        self._hostname = hostname.lower()
        self._forwarding = forwarding
        self._postmaster = postmaster

    async def route(self, path: Path, octets: int, sender: Account | None = None) -> Routed | Refused | TryLater:
        """octets: the size that the sender declared, 0 when unknown. sender: who is logged in."""
        try:
            return await self._route(path, octets, sender)
        except StoreError:
            return UNAVAILABLE

    async def _route(self, path: Path, octets: int, sender: Account | None) -> Routed | Refused | TryLater:
        address = lookup_form(path)
        local, _, domain = address.rpartition("@")
        if not path.domain or (local == "postmaster" and (domain == self._hostname or self.is_local(domain))):
            return await self._route_postmaster(path)
        if not self.is_local(domain):
            return NOT_OURS if sender is None else await self._elsewhere(path, sender)
        back = self._forwarding.way_back(path)
        if back is not None and not self.is_local(lookup_form(back).rpartition("@")[2]):
            return Routed(path.wire, (), (_forward(back, address),))
        leads_to = await self._reports.leads_to(address)
        if leads_to is not None:
            return Routed(path.wire, await self._accounts_of(leads_to), report=True)
        try:
            found = await self._directory.resolve(address)
        except NotFound:
            return UNKNOWN
        accounts = tuple(each.account for each in found if not each.account.disabled)
        remote = tuple(_forward(_path_of(each), address) for each in await self._directory.forwards(address))
        if remote:  # a copy that has no room here must not keep the others from leaving
            return Routed(path.wire, accounts, remote)
        if not accounts:
            return DISABLED if found else UNKNOWN
        return await self._with_room(path, accounts, octets)

    async def _accounts_of(self, address: str) -> tuple[Account, ...]:
        try:
            found = await self._directory.resolve(canonical_address(address)) if address else ()
        except NotFound:
            found = ()
        return tuple(each.account for each in found if not each.account.disabled)

    async def _elsewhere(self, path: Path, sender: Account) -> Routed | Refused | TryLater:
        refusal = await self._sending.admits(sender, path.address)
        if refusal is not None:
            return refusal
        return Routed(path.wire, (), (Remote(path.wire.decode(), destination_of(path.domain)),))

    def is_local(self, domain: str) -> bool:
        return self._directory.is_local(domain)

    async def _with_room(self, path: Path, accounts: tuple[Account, ...], octets: int) -> Routed | Refused | TryLater:
        """One account of several that cannot take it does not hold up the rest: it is left to the delivery."""
        refusal: Refused | TryLater | None = None
        for account in accounts:
            limit = account.max_message_octets
            if limit is not None and octets > limit:
                refusal = TOO_LARGE
            elif account.quota_octets is not None and not await self._room.has_room(account.account_id, octets or 1):
                refusal = FULL
            else:
                return Routed(path.wire, accounts)
        assert refusal is not None
        return refusal

    async def _route_postmaster(self, path: Path) -> Routed | TryLater:
        account = await self.postmaster_account()
        return Routed(path.wire, (account,)) if account is not None else UNAVAILABLE

    async def postmaster_account(self) -> Account | None:
        """The configured account; where that is missing or leads nowhere, the first account there is."""
        target = self._postmaster()
        if target:
            try:
                found = await self._directory.resolve(target.lower())
            except NotFound:
                found = ()
            for each in found:
                if not each.account.disabled:
                    return each.account
        for account in await self._directory.accounts():
            if not account.disabled:
                return account
        return None

    async def owns(self, account: Account, path: Path) -> bool:
        """Whether mail to this address reaches the account, so that it may send as it. Raises StoreError."""
        if not path.domain:
            return False
        try:
            found = await self._directory.resolve(lookup_form(path))
        except NotFound:
            return False
        return any(each.account.account_id == account.account_id for each in found)


def _forward(path: Path, address: str) -> Remote:
    return Remote(path.wire.decode(), destination_of(path.domain), forwarded_by=address)


def _path_of(address: str) -> Path:
    """Of an address as the Directory knows it."""
    local, _, domain = address.rpartition("@")
    return Path(local.encode(), ascii_domain(domain).encode())


def destination_of(domain: bytes) -> str:
    """A domain as the DNS and the queue know it: lower case, A-labels; a literal as it stands, in lower case."""
    text = domain.decode().lower()
    return text if text.startswith("[") else ascii_domain(text)


def lookup_form(path: Path) -> str:
    """The address as the Directory knows it: lower-case, the domain in its U-label form (RFC 5890 §2.3.2.1)."""
    address = path.address.lower()
    if "xn--" not in address:
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('ascii').decode('idna')}"
    except UnicodeError:
        return address
