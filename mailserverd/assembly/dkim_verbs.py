"""`dkim create/list/rotate/retire`: the verbs on the keys that mail is signed with.

Standing rules: private keys never come out; every answer that makes or changes a key holds the records that are to be
in the DNS; a step is done off the reactor's thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from mailserverd.accounts.administration import VerbRefused, checked_domain
from mailserverd.model.address import ascii_domain
from mailserverd.queue.dkim_keys import DkimKeys, Held
from mailserverd.queue.key_rotation import RETIRING, NothingToDo, removable_at
from mailserverd.wire.authentication.signing_key import UnusableKey
from mailserverd.wire.zone.record import Record

T = TypeVar("T")
Row = dict[str, Any]
Rows = list[Row]
WHY = "Receivers verify the signatures of your mail by it (RFC 6376)."


class Elsewhere(Protocol):
    """Runs it off the reactor's thread."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class DkimVerbs:
    """is_ours: whether mail for a (canonical) domain is ours, or it is our own name. seconds: the wall clock."""

    def __init__(
        self, keys: DkimKeys, is_ours: Callable[[str], bool], elsewhere: Elsewhere, seconds: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._is_ours = is_ours
        self._elsewhere = elsewhere
        self._seconds = seconds

    async def create(self, domain: str) -> Row:
        """The first keys of a domain, which sign at once."""
        name = checked_domain(domain)
        if not self._is_ours(name):
            raise VerbRefused(f"{name} is no domain of this server; add it with: domain add {name}")
        at = ascii_domain(name)
        return shown(at, await self._step(lambda: self._keys.create(at, self._now())))

    async def list(self, domain: str = "") -> Rows:
        wanted = [ascii_domain(checked_domain(domain))] if domain else self._keys.domains()
        return [shown(each, held) for each in wanted for held in self._keys.of(each)]

    async def rotate(self, domain: str, activate: bool = False) -> Rows:
        """Without activate: new keys, which sign once their records were seen in the DNS. With it: they sign now."""
        name = ascii_domain(checked_domain(domain))
        if activate:
            return [shown(name, each) for each in await self._step(lambda: self._keys.activate(name, self._now()))]
        await self._step(lambda: self._keys.rotate(name, self._now()))
        return [shown(name, each) for each in self._keys.of(name)]

    async def retire(self, domain: str, key: str = "") -> Row:
        """Remove the keys that sign no more, or one of them."""
        name = ascii_domain(checked_domain(domain))
        before = self._keys.of(name)
        gone = await self._step(lambda: self._keys.retire(name, key))
        names = [record.name for each in before if each.generation.name in gone for record in records_of(each)]
        return {"domain": name, "removed": gone, "records_to_remove": names}

    def _now(self) -> int:
        return int(self._seconds())

    async def _step(self, work: Callable[[], T]) -> T:
        try:
            return await self._elsewhere(work)
        except (NothingToDo, UnusableKey) as error:
            raise VerbRefused(str(error)) from error
        except OSError as error:
            raise VerbRefused(f"{error.filename}: {error.strerror}") from error


def records_of(held: Held) -> list[Record]:
    return [Record(key.record_name, "TXT", key.record(), f"DKIM {key.kind}", WHY) for key in held.keys]


def shown(domain: str, held: Held) -> Row:
    """removable_at: when one that retires may go, with its records."""
    generation = held.generation
    return {
        "domain": domain,
        "key": generation.name,
        "state": generation.state,
        "created": generation.created,
        "since": generation.since,
        "published_since": generation.published_since or None,
        "removable_at": removable_at(generation) if generation.state == RETIRING else None,
        "records": [{"name": each.name, "type": each.kind, "value": each.value} for each in records_of(held)],
    }
