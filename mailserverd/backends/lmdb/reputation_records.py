"""The keys of what is known for sending, all of them below "R", and what its three parts need of the store.

Rs address 00 scope     Suppression            Rm meter 00 subject         counts by bucket
Rf address              expired in a row       Rk account(8) hash(12)      when the account first wrote there
Ra account(8)           Suspension             Rt queue id                 SentMessage, its first 500 recipients
Rr source 00 provider   Rest                   Ru queue id part(4)         500 more of them, from part 1 on
Rw source               WarmUp                 Ri hash(16)                 queue id of a Message-ID
                                               Re hash(16)                 queue id of an ENVID
                                               Rd queue id 00 kind (4)     reported
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

import msgspec

from mailserverd.model.errors import Damaged

T = TypeVar("T")
MAX_NAME_OCTETS = 400
encode = msgspec.msgpack.Encoder().encode


class Records(Protocol):
    """Reads are of what is committed and do not wait; write: as LmdbRecords."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, prefix: bytes, limit: int = 1_000_000, after: bytes = b"") -> Sequence[tuple[bytes, bytes]]: ...

    async def write(self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = ()) -> None: ...


def reader(kind: type[T], what: str) -> Callable[[bytes], T]:
    """What reads such records, and raises Damaged."""
    decode = msgspec.msgpack.Decoder(kind).decode

    def read(value: bytes) -> T:
        try:
            return decode(value)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Damaged(f"{what} is unreadable: `mailserverd store check --repair` removes it") from error

    return read


def digest(text: str, octets: int) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=octets).digest()


def name_octets(text: str) -> bytes:
    """A name as part of a key: one that is too long for a key by its beginning and its hash."""
    octets = text.encode("utf-8", "surrogatepass").replace(b"\0", b"?")
    return octets if len(octets) <= MAX_NAME_OCTETS else octets[: MAX_NAME_OCTETS - 16] + digest(text, 16)


def counter_octets(account_id: int) -> bytes:
    return account_id.to_bytes(8)
