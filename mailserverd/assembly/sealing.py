"""ARC for what is forwarded: what the chain of a message is worth, and the set that is put on top.

Standing rules: a chain is made longer only where it holds; where it does not, or cannot be judged now, the message goes
on as it came, for a forward changes nothing that the sets cover.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, gatherResults

from mailserverd.interfaces.resolver import LookupFailed, NoSuchDomain, Resolver
from mailserverd.queue.signing_domain import Keys
from mailserverd.wire.authentication.arc import BrokenChain, chain_of, seal_fields
from mailserverd.wire.authentication.arc_chain import holds, key_names
from mailserverd.wire.authentication.canonical import fields_of, parted
from mailserverd.wire.authentication.signing_key import RSA

T = TypeVar("T")
MAX_NAMES = 12  # that one message may make us look up
MAX_HEADER = 262_144  # octets; a longer header is not looked through for sets


class Elsewhere(Protocol):
    """Runs it off the reactor's thread."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Chains:
    """Judges."""

    def __init__(self, resolver: Resolver, elsewhere: Elsewhere) -> None:
        self._resolver = resolver
        self._elsewhere = elsewhere

    async def cv(self, message: bytes) -> bytes:
        """b"none" where there is no chain, b"pass" where it holds, b"" where it is not to be made longer."""
        end = 0 if message.startswith(b"\r\n") else message.find(b"\r\n\r\n", 0, MAX_HEADER) + 2
        if end == 1 or b"arc-" not in message[:end].lower():
            return b"none" if end != 1 else b""
        try:
            chain = chain_of(fields_of(parted(message[: end + 2])[0]))
        except BrokenChain:
            return b""
        if not chain:
            return b"none"
        names = key_names(chain)
        if len(names) > MAX_NAMES:
            return b""
        found = await gatherResults([Deferred.fromCoroutine(self._record(name)) for name in names])
        records = {name: record for name, record in zip(names, found, strict=True) if record is not None}
        return b"pass" if await self._elsewhere(lambda: holds(message, chain, records)) else b""

    async def _record(self, name: str) -> bytes | None:
        try:
            found, _ = await self._resolver.texts(name)
        except (NoSuchDomain, LookupFailed):
            return None
        return found[0] if len(found) == 1 else None


class Seals:
    """hostname: under which results are told (RFC 8601 §2.5)."""

    def __init__(self, hostname: str) -> None:
        self._hostname = hostname.encode()

    def __call__(self, message: bytes, keys: Keys, cv: bytes, now: int) -> bytes:
        for key in keys:
            if key.kind == RSA:  # what all validators know (RFC 8617 §4.1.1)
                try:
                    return seal_fields(message, key, b"%b; arc=%b" % (self._hostname, cv), cv, now)
                except BrokenChain:
                    return b""
        return b""
