"""How the directory lies in the store: keys under "D", values in msgpack.

    D d <domain>        Domain                    D c <account id, 8 octets>   Credentials
    D a <account id>    Account                   D n                          the next account id, 8 octets
    D l <address>       Alias                     D s <name>                   a server secret, 32 octets

Standing rules: a record stands alone (no record repeats another's content); keys stay below 511 octets because
check_address and check_domain bound what is in them; a field added later has a default, so older records read on.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from mailserverd.model.account import Account, Alias, Credentials, Domain
from mailserverd.model.identifiers import AccountId

PREFIX = b"D"
NEXT_ID = PREFIX + b"n"

_encoder = msgspec.msgpack.Encoder()
_domains = msgspec.msgpack.Decoder(Domain)
_accounts = msgspec.msgpack.Decoder(Account)
_aliases = msgspec.msgpack.Decoder(Alias)
_credentials = msgspec.msgpack.Decoder(Credentials)


class Records(Protocol):
    """The part of the environment that a directory needs. Reads are of what is committed and do not wait."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, prefix: bytes) -> Iterable[tuple[bytes, bytes]]: ...

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None:
        """All of it in one commit; on disk when it returns. Raises TryAgain."""
        ...


def domain_key(name: str) -> bytes:
    return b"Dd" + name.encode()


def account_key(account_id: int) -> bytes:
    return b"Da" + account_id.to_bytes(8)


def alias_key(address: str) -> bytes:
    return b"Dl" + address.encode()


def credentials_key(account_id: int) -> bytes:
    return b"Dc" + account_id.to_bytes(8)


def secret_key(name: str) -> bytes:
    return b"Ds" + name.encode()


def encoded(record: Domain | Account | Alias | Credentials) -> bytes:
    return _encoder.encode(record)


def stored_domains(records: Records) -> Iterable[Domain]:
    return (_domains.decode(value) for _, value in records.scan(b"Dd"))


def stored_accounts(records: Records) -> Iterable[Account]:
    return (_accounts.decode(value) for _, value in records.scan(b"Da"))


def stored_aliases(records: Records) -> Iterable[Alias]:
    return (_aliases.decode(value) for _, value in records.scan(b"Dl"))


def stored_credentials(records: Records, account_id: AccountId) -> Credentials | None:
    value = records.get(credentials_key(account_id))
    return None if value is None else _credentials.decode(value)
