"""The engine of one destination: it claims what is due, shares it out to connections, and ends when nothing is left.

Standing rules: one engine a destination; each of its workers has one connection at most and does one batch at a time,
which is settled before the next; the first connection has to be made before others are tried; where a destination
cannot be reached, all that is due there meets the same, at once, and it rests; who has many connections, or had one
for long, gives way to those who wait for one at the same provider.
"""

from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailserverd.interfaces.mail_transport import Hop
from mailserverd.model.errors import Damaged, NotFound, StoreError
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.connections import Held, NoHop
from mailserverd.queue.house import Batch, House, batches
from mailserverd.queue.parts import Source, Wait
from mailserverd.queue.resolution import failure_of
from mailserverd.queue.session import Session
from mailserverd.queue.settlement import Met, schedule_of
from mailserverd.queue.transaction import Sent, elsewhere, last_greylisted_first, note, sent_over, too_many
from mailserverd.queue.untried import all_met, put_off_batch, screened

CLAIMED_AT_ONCE = 100
CLAIMED_AT_FIRST = 20  # until there is a connection: most destinations of a long queue are those that do not answer
ROUTED_SECONDS = 5
MAX_SESSIONS = 3  # of one attempt, with different hosts

_log = Logger()


class Destination:
    """ended: told when it is over."""

    def __init__(self, name: str, house: House, ended: Callable[["Destination"], None]) -> None:
        self.name = name
        self._house = house
        self._ended = ended
        self._batches: deque[Batch] = deque()
        self._workers: dict[Deferred[None], Session] = {}
        self._employed = 0
        self._seeking = 0  # workers who have no place for a connection yet
        self._connecting = 0
        self._connected = 0
        self._stopping = False
        self._sleeping: set[Deferred[None]] = set()
        self._provider = ""
        self._hops: dict[bool, tuple[float, Sequence[Hop]]] = {}
        self.found_nothing = True

    def start(self) -> None:
        self._employ()

    def stop(self) -> None:
        """Take nothing more; what is being sent goes on, what waits for something does not."""
        self._stopping = True
        self.cancel(busy=False)

    def cancel(self, busy: bool = True) -> None:
        for worker, session in list(self._workers.items()):
            if busy or not session.busy:
                worker.cancel()

    def wake(self) -> None:
        """Whoever waits for a time looks again."""
        self._hops.clear()
        for sleeper in list(self._sleeping):
            if not sleeper.called:
                sleeper.callback(None)

    # Workers.

    def _employ(self) -> None:
        self._employed += 1
        self._seeking += 1
        session = Session(self._house)
        worker = Deferred.fromCoroutine(self._work(session))
        if not worker.called:
            self._workers[worker] = session
        worker.addErrback(self._failed)
        worker.addBoth(lambda _: self._left(worker, session))

    def _failed(self, failure: Failure) -> None:
        if not (failure.check(CancelledError) and self._stopping):
            _log.failure("an engine of the queue failed", failure, destination=self.name)

    def _left(self, worker: Deferred[None], session: Session) -> None:
        self._workers.pop(worker, None)
        self._employed -= 1
        self._seated(session)
        if self._employed:
            return
        if self._batches and not self._stopping:
            self._employ()  # it gave way to others, and waits in line now
            return
        self._house.connections.leave(self._provider, self.name)
        self._give_back()
        self._ended(self)

    def _seated(self, session: Session) -> None:
        if session.seeking:
            session.seeking = False
            self._seeking -= 1

    def _give_back(self) -> None:
        rest = [each for batch in self._batches for each in batch.recipients]
        self._batches.clear()
        if rest:
            Deferred.fromCoroutine(self._house.store.give_back(rest))

    async def _work(self, session: Session) -> None:
        try:
            while not self._stopping:
                batch = await self._next()
                if batch is None:
                    return
                self.found_nothing = False
                try:
                    if session.held is not None:
                        self._spread()
                    done = await self._deliver(batch, session)
                except Exception as error:
                    if isinstance(error, CancelledError) and self._ends():
                        raise
                    done = await self._defect(batch, session)
                session.busy = False
                if not done or session.gives_way(self._employed):
                    return
        finally:
            self._drop_held(session)

    def _ends(self) -> bool:
        return self._stopping

    async def _defect(self, batch: Batch, session: Session) -> bool:
        """Ours, or of what we were given: it is put off like any failure, so that it holds nobody up for ever."""
        _log.failure("an attempt failed by a defect", destination=self.name, queue_id=batch.entry.queue_id)
        self._drop_held(session)
        met = failure_of(TryLater("4.3.0", "internal error; the log of this server has more"))
        await self._house.resolution.attempted(batch.entry, all_met(batch.recipients, met), self._provider)
        return True

    async def _next(self, all_of_it: bool = False) -> Batch | None:
        """all_of_it: whatever is due meets the same fate at once."""
        if not self._batches:
            house = self._house
            try:
                most = CLAIMED_AT_ONCE if self._connected or all_of_it else CLAIMED_AT_FIRST
                rows = await house.store.claim(self.name, house.now(), most)
                if len(rows) == most < CLAIMED_AT_ONCE and rows[0].entry == rows[-1].entry:  # and more of it, perhaps
                    rows += await house.store.claim(self.name, house.now(), CLAIMED_AT_ONCE - most)
            except StoreError as error:
                _log.error("the queue cannot be read", destination=self.name, why=str(error))
                return None
            limit = house.settings().max_recipients_per_message
            self._batches.extend(batches(rows, limit, house.preparation.alone))
        return self._batches.popleft() if self._batches else None

    def _spread(self) -> None:
        """One more worker, where there is work for it."""
        wanted = self._connected and not self._seeking and len(self._batches) > self._connecting
        connections = self._house.connections
        if not wanted or self._stopping:
            return
        if self._employed < connections.share(self._provider) or connections.room(self._provider):
            self._employ()  # below its share it waits in line

    def _belong_to(self, provider: str) -> None:
        if provider != self._provider:
            self._house.connections.leave(self._provider, self.name)
            self._house.connections.join(provider, self.name)
            self._provider = provider

    # One batch.

    async def _deliver(self, batch: Batch, session: Session) -> bool:
        """Whether the worker goes on."""
        house = self._house
        batch = await screened(house, batch)
        if not batch.recipients:
            return True
        hops = await self._routed(batch.entry.require_tls)
        if isinstance(hops, Refused):
            await house.resolution.attempted(batch.entry, all_met(batch.recipients, failure_of(hops)))
            return True
        if isinstance(hops, TryLater):
            return await self._unreachable(batch, failure_of(hops), everything=not batch.entry.require_tls)
        provider = house.limits.provider_of([each.host for each in hops])
        self._belong_to(provider)
        source = house.sources.pick(batch.entry.mail_class, provider, len(batch.recipients), house.now())
        if isinstance(source, Wait):
            await put_off_batch(house, batch, source.until, source.why)
            return True
        return await self._attempt(batch, session, last_greylisted_first(batch, hops), provider, source)

    async def _routed(self, require_tls: bool) -> Sequence[Hop] | Refused | TryLater:
        """Asked anew after some seconds, and after a hop failed."""
        known = self._hops.get(require_tls)
        now = self._house.clock.seconds()
        if known is not None and now - known[0] < ROUTED_SECONDS:
            return known[1]
        hops = await self._house.routing.hops(self.name, require_tls)
        if not isinstance(hops, (Refused, TryLater)):
            self._hops[require_tls] = (now, hops)
        return hops

    async def _attempt(
        self, batch: Batch, session: Session, hops: Sequence[Hop], provider: str, source: Source
    ) -> bool:
        house = self._house
        try:
            body = await house.store.body(batch.entry.queue_id)
        except (NotFound, Damaged) as error:
            house.sources.unused(source, provider, len(batch.recipients), house.now())
            lost = failure_of(Refused("5.3.0", f"the message is lost on this server: {error}"))
            await house.resolution.attempted(batch.entry, all_met(batch.recipients, lost))
            return True
        tried: list[Hop] = []
        while True:
            if not await self._paced(provider):
                house.sources.unused(source, provider, len(batch.recipients), house.now())
                await house.store.give_back(batch.recipients)
                return False
            try:
                held = await self._obtained(session, hops, provider, source, tried)
            except NoHop as error:
                self._hops.clear()
                house.sources.unused(source, provider, len(batch.recipients), house.now())
                if tried:
                    return await self._settled_after(batch, session, error)
                met = failure_of(error.outcome, error.code, error.reply, error.where)
                if isinstance(error.outcome, Refused):
                    await house.resolution.attempted(batch.entry, all_met(batch.recipients, met), provider)
                    return True
                return await self._unreachable(batch, met, everything=not batch.entry.require_tls)
            await house.unsettled.room()
            session.busy = True
            began = house.clock.seconds()
            sent = await sent_over(house, held, batch, body)
            took = house.clock.seconds() - began
            if sent.broken or not held.connection.idle():
                self._drop_held(session)
            if sent.stale:
                continue
            sent, batch = self._without_crowd(sent, batch)
            note(house, provider, source, sent.met)
            tried.append(held.hop)
            left = elsewhere(sent.met) if len(tried) < MAX_SESSIONS and _others(hops, tried) else set()
            over = [each for each in sent.met if each[0].position not in left]
            tls = held.connection.peer.tls
            if over:
                house.unsettled.begun()
                try:
                    await house.resolution.attempted(batch.entry, over, provider, source.address, tls, took)
                finally:
                    house.unsettled.ended()
            if not left:
                return True
            session.remembered = [each for each in sent.met if each[0].position in left]
            batch = Batch(batch.entry, [each[0] for each in session.remembered])
            self._drop_held(session)

    def _without_crowd(self, sent: Sent, batch: Batch) -> tuple[Sent, Batch]:
        """Those whom the server found too many for one transaction are a batch of their own, and next."""
        crowd = too_many(sent.met)
        if not crowd:
            return sent, batch
        self._batches.appendleft(Batch(batch.entry, [each for each in batch.recipients if each.position in crowd]))
        met = [each for each in sent.met if each[0].position not in crowd]
        return sent._replace(met=met), Batch(batch.entry, [each[0] for each in met])

    async def _settled_after(self, batch: Batch, session: Session, error: NoHop) -> bool:
        """No further host answers: what the one before said stands."""
        await self._house.resolution.attempted(batch.entry, session.remembered, self._provider)
        return True

    async def _paced(self, provider: str) -> bool:
        """Wait for the rate of the provider; False: no more is taken."""
        while not self._stopping:
            wait = self._house.limits.wait(provider)
            if wait <= 0:
                self._house.limits.begun(provider)
                return True
            await self._sleep(wait)
        return False

    async def _sleep(self, seconds: float) -> None:
        sleeper: Deferred[None] = Deferred()
        call = self._house.clock.callLater(seconds, sleeper.callback, None)
        self._sleeping.add(sleeper)
        try:
            await sleeper
        finally:
            self._sleeping.discard(sleeper)
            if call.active():
                call.cancel()

    async def _obtained(
        self, session: Session, hops: Sequence[Hop], provider: str, source: Source, tried: Sequence[Hop]
    ) -> Held:
        """The worker's connection if it serves, a free one, or a new one. Raises NoHop."""
        connections = self._house.connections
        if session.serves(hops, source, tried) and session.held is not None:
            return session.held
        self._drop_held(session)
        self._connecting += 1
        try:
            held = None if tried or connections.wanted(provider) else connections.free(hops, source)
            if held is None and not connections.take_place(provider):
                held = await connections.place(provider, () if tried else hops, source)
            self._seated(session)
            if held is None:
                held = await connections.make(self.name, hops, source, provider, tried)
        finally:
            self._connecting -= 1
        session.hold(held, source)
        self._connected += 1
        self._house.rests.succeeded(self.name)
        self._spread()
        return held

    def _drop_held(self, session: Session) -> None:
        if session.held is not None:
            self._connected -= 1
            session.release()

    async def _unreachable(self, batch: Batch, met: Met, everything: bool) -> bool:
        """No host answered. While others of this engine are connected it is only this worker that ends."""
        house = self._house
        if self._connected and everything:
            self._batches.appendleft(batch)
            return False
        await house.resolution.attempted(batch.entry, all_met(batch.recipients, met), self._provider)
        if not everything:
            return True
        house.rests.failed(self.name, met.reply, house.seconds(), schedule_of(batch.entry, house.settings()))
        await house.sweeping.acquire()
        try:
            while not self._stopping and (other := await self._next(all_of_it=True)) is not None:
                self._batches.appendleft(other)
                rest = [Deferred.fromCoroutine(self._meets(each, met)) for each in self._batches]
                self._batches.clear()
                await gatherResults(rest, consumeErrors=True)
        finally:
            house.sweeping.release()
        return False

    async def _meets(self, batch: Batch, met: Met) -> None:
        """The same as another batch, without being tried."""
        batch = await screened(self._house, batch)
        if batch.recipients:
            await self._house.resolution.attempted(batch.entry, all_met(batch.recipients, met), self._provider)


def _others(hops: Sequence[Hop], tried: Sequence[Hop]) -> bool:
    return any(hop not in tried for hop in hops)
