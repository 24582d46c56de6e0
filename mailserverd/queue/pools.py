"""Pools of our own addresses: from which one a message goes out, which are warming up, which rest at a provider.

Standing rules: an address that one provider blocks rests there alone and goes on everywhere else; a new address gets
its day's share first, and what comes above goes by a warm one or waits, as the pool says; a class without a pool goes
out by any address and never waits here. Rests and counts are used from memory and stored behind it.
"""

from collections.abc import Callable

from twisted.logger import Logger

from mailserverd.config.outbound import MailClass, Outbound, Pool
from mailserverd.interfaces.reputation_store import ReputationStore
from mailserverd.model.reputation import Rest
from mailserverd.queue.parts import Source, Wait
from mailserverd.queue.warm_up import WarmUps
from mailserverd.queue.write_behind import WriteBehind

REST_SECONDS = 1_200
REST_FOR_GOOD_SECONDS = 7_200
_NO_CLASS = MailClass()
_log = Logger()


class Pools:
    """The engine's Sources. start() reads what is stored."""

    def __init__(self, store: ReputationStore, settings: Callable[[], Outbound], warm_ups: WarmUps) -> None:
        self._store = store
        self._settings = settings
        self.warm_ups = warm_ups
        self._rests: dict[tuple[str, str], Rest] = {}
        self._stored_rests = WriteBehind(store.put_rest, "the rest of an address")
        self._turns: dict[str, int] = {}

    async def start(self) -> None:
        """Raises StoreError."""
        self._rests = {(each.source, each.provider): each for each in await self._store.rests()}
        await self.warm_ups.start()

    async def stop(self) -> None:
        await self._stored_rests.written()
        await self.warm_ups.stop()

    def pick(self, mail_class: str, provider: str, recipients: int, now: int) -> Source | Wait:
        outbound = self._settings()
        name = outbound.classes.get(mail_class, _NO_CLASS).pool
        if not name:
            return Source()
        pool = outbound.pools[name]
        awake = [each for each in pool.addresses if self.resting(each, provider, now) is None]
        if not awake:
            return self._all_rest(pool, provider)
        address = self._chosen(name, pool, awake, recipients, now)
        if address is None:
            until = min(self.warm_ups.next_day(each, now) for each in awake if each in pool.warm_up_addresses)
            return Wait(until, "the new addresses of the pool have sent their share of today")
        if address in pool.warm_up_addresses and self.warm_ups.room(address, pool.warm_up_per_day, now) is not None:
            self.warm_ups.count(address, recipients, now)
        return Source(address, pool.helo)

    def unused(self, source: Source, provider: str, recipients: int, now: int) -> None:
        for pool in self._settings().pools.values():
            if source.address in pool.warm_up_addresses and (
                self.warm_ups.room(source.address, pool.warm_up_per_day, now) is not None
            ):
                self.warm_ups.count(source.address, -recipients, now)
                return

    def forget(self) -> None:
        for key, rest in list(self._rests.items()):
            self._stored_rests.put("\0".join(key), Rest(rest.source, rest.provider, 0, rest.why))
        self._rests.clear()

    def blocked(self, source: str, provider: str, for_good: bool, why: str, now: int) -> None:
        """A provider blocks this address of ours."""
        until = now + (REST_FOR_GOOD_SECONDS if for_good else REST_SECONDS)
        standing = self._rests.get((source, provider))
        if standing is not None and standing.until >= until:
            return
        rest = Rest(source, provider, until, " ".join(why.split())[:300])
        self._rests[source, provider] = rest
        self._stored_rests.put(f"{source}\0{provider}", rest)
        _log.warn("an address of ours rests at a provider", source=source, provider=provider, until=until, why=rest.why)

    def resting(self, source: str, provider: str, now: int) -> Rest | None:
        rest = self._rests.get((source, provider))
        if rest is None or rest.until > now:
            return rest
        del self._rests[source, provider]
        return None

    def rests(self, now: int) -> list[Rest]:
        """For metrics and `status`."""
        return [each for each in self._rests.values() if each.until > now]

    def _all_rest(self, pool: Pool, provider: str) -> Wait:
        rests = [self._rests[each, provider] for each in pool.addresses]
        first = min(rests, key=lambda each: each.until)
        return Wait(first.until, f"{provider} blocks {first.source}: {first.why}")

    def _chosen(self, name: str, pool: Pool, awake: list[str], recipients: int, now: int) -> str | None:
        """A new address while its day has room, else a warm one in turn; None where it has to wait."""
        warm: list[str] = []
        new: list[tuple[int, str]] = []
        for address in awake:
            room = self.warm_ups.room(address, pool.warm_up_per_day, now) if address in pool.warm_up_addresses else None
            if room is None:
                warm.append(address)
            elif room >= recipients or (not warm and self.warm_ups.untouched(address, now) and room):
                new.append((room, address))
        warming = len(warm) < len(awake)
        if new:
            return max(new)[1]
        if warming and (pool.overflow == "wait" or not warm):
            return None
        turn = self._turns[name] = self._turns.get(name, -1) + 1
        return warm[turn % len(warm)]
