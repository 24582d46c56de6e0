"""The writer: one thread, group commit. It commits whatever was queued while the last commit ran; no timer.

Standing rules: plans run in the writer thread, in the order in which they were submitted (an early one may pass those
of other accounts, and small ones pass a large one: gathering.py); what one turn of the reactor submits is handed over
at its end, so that the two threads do not fight for the interpreter over a batch that has only begun; a plan may be run
more than once (after a full map or a failed commit) and must keep nothing from one run to the next; nothing is answered
before its commit is on disk, except early plans, which are in the journal first; a batch is answered by one call into
the reactor thread.
"""

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.backends.lmdb.draft import Draft
from mailserverd.backends.lmdb.early_journal import EarlyJournal
from mailserverd.backends.lmdb.environment import Environment, OutOfMap, UnusableStore, WriteFailed
from mailserverd.backends.lmdb.gathering import BatchLimits, Gathering
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.ticket import NotEarly, Ticket
from mailserverd.model.errors import StoreError, TryAgain

T = TypeVar("T")
_COMPLAINT_SECONDS = 60


class CallFromThread(Protocol):
    def __call__(self, function: Callable[..., object], /, *arguments: object) -> object: ...


class CommitObserver(Protocol):
    def __call__(self, plans: int, seconds: float) -> None: ...


class Writer:
    """at_turns_end: calls what it is given, in the reactor thread, soon after the events of this turn.
    on_settled: in the reactor thread, after every commit, with nothing early outstanding that was answered before.
    on_lost: in the reactor thread, when early plans could not be committed at all: memory is ahead of the disk.
    observe: in the writer thread, after every commit.
    """

    def __init__(
        self,
        environment: Environment,
        journal: EarlyJournal,
        call_from_thread: CallFromThread,
        limits: BatchLimits,
        on_settled: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
        observe: CommitObserver = lambda plans, seconds: None,
        at_turns_end: Callable[[Callable[[], None]], object] = lambda call: call(),
    ) -> None:
        self.on_settled = on_settled
        self.on_lost = on_lost
        self._environment = environment
        self._journal = journal
        self._call_from_thread = call_from_thread
        self._limits = limits
        self._observe = observe
        self._at_turns_end = at_turns_end
        self._of_this_turn: list[Ticket] = []
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._gathering = Gathering(self._queue, limits)
        self._draft: Draft | None = None
        self._early: list[Ticket] = []  # answered, not committed
        self._early_deadline = 0.0
        self._stopping = False
        self._complained = -float(_COMPLAINT_SECONDS)
        self.trouble: str | None = None  # why the last commit failed and what to do; None once one succeeded
        self._stopped: Deferred[None] = Deferred()
        self._log = Logger()
        self._thread = Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    # Reactor thread

    async def submit(
        self,
        plan: Callable[[Step], T],
        octets: int = 0,
        order: int | None = None,
        early: bool = False,
        apply: Callable[[T], None] | None = None,
        journal: Callable[[T], bytes] | None = None,
        large: bool = False,
    ) -> T:
        """Run a plan in the writer thread and commit what it put; its result once that is on disk (early: before).

        Raises what the plan raised, or TryAgain. See Ticket for the rest.
        """
        if self._stopping:
            raise TryAgain("the store is closing")
        ticket = Ticket(plan, octets, order, early and self._limits.early_seconds > 0, apply, journal, large)
        if ticket.early and not self._of_this_turn:
            self._queue.put(ticket)
        else:
            self._of_this_turn.append(ticket)
            if len(self._of_this_turn) == 1:
                self._at_turns_end(self._hand_over)
        result: T = await ticket.waiter
        return result

    def _hand_over(self) -> None:
        waiting, self._of_this_turn = self._of_this_turn, []
        for ticket in waiting:
            self._queue.put(ticket)

    async def stop(self) -> None:
        """Commit everything submitted so far and end the thread."""
        if not self._stopping:
            self._stopping = True
            self._hand_over()
            self._queue.put(None)
        await self._stopped

    # Writer thread

    def _run(self) -> None:
        gathering = self._gathering
        while not gathering.over:
            batch = gathering.next(self._early_deadline if self._early else None)
            try:
                if batch:
                    self._work(batch)
                elif self._early:
                    self._durable([])
            except BaseException as error:  # a defect of ours must not leave waiters hanging
                self._abort()
                self._log.failure("the store's writer failed")
                failed = [ticket for ticket in batch if not ticket.answered]
                for ticket in failed:
                    ticket.error = TryAgain(f"internal error: {error}")
                self._again()
                self._answer(failed, settled=False)
        if self._early:
            self._durable([])
        self._abort()
        self._call_from_thread(self._stopped.callback, None)

    def _work(self, batch: list[Ticket]) -> None:
        if self._limits.early_seconds > 0:
            batch = self._run_early(batch)
        if batch or (self._early and time.monotonic() >= self._early_deadline):
            self._durable(batch)

    def _run_early(self, batch: list[Ticket]) -> list[Ticket]:
        """Answer the early plans that need not wait for others of their account; the rest is returned."""
        waiting: set[int | None] = set()
        early, rest = [], []
        for ticket in batch:
            if ticket.early and ticket.order not in waiting:
                early.append(ticket)
            else:
                rest.append(ticket)
                waiting.add(ticket.order)
        if not early:
            return batch
        try:
            draft = self._open()
            done, late = self._judge_early(draft, early)
            self._journal.append([t.journal(t.result) for t in done if t.journal is not None and t.error is None])
        except (OutOfMap, WriteFailed, OSError, UnusableStore):
            self._abort()
            self._again()
            return batch
        if not self._early:
            self._early_deadline = time.monotonic() + self._limits.early_seconds
        self._early.extend(t for t in done if t.error is None)
        if not self._early:
            self._abort()
        self._answer(done, settled=False)
        return late + rest

    def _judge_early(self, draft: Draft, early: list[Ticket]) -> tuple[list[Ticket], list[Ticket]]:
        done: list[Ticket] = []
        late: list[Ticket] = []
        waiting: set[int | None] = set()
        for ticket in early:
            if ticket.order in waiting:
                late.append(ticket)
                continue
            try:
                self._judge(draft, ticket, early=True)
                done.append(ticket)
            except NotEarly:
                waiting.add(ticket.order)
                late.append(ticket)
        return done, late

    def _judge(self, draft: Draft, ticket: Ticket, early: bool = False) -> None:
        step = Step(draft, early)
        ticket.error = None
        try:
            ticket.result = ticket.plan(step)
        except (StoreError, NotEarly) as error:
            if step.wrote:
                raise
            if isinstance(error, NotEarly):
                raise
            ticket.error = error
            return
        except (OutOfMap, WriteFailed):
            raise
        except Exception as error:
            if step.wrote:
                raise
            self._log.failure("a store operation failed")
            ticket.error = TryAgain(f"internal error: {error}")
            return
        step.spill()

    def _durable(self, batch: list[Ticket]) -> None:
        """Run and commit the batch, with what is early and still open; then answer it."""
        started = time.monotonic()
        try:
            self._attempt_growing(batch)
        except (OutOfMap, WriteFailed, UnusableStore, OSError) as error:
            self._abort()
            why = self.trouble = self._explain(error)
            for ticket in batch:
                ticket.error = TryAgain(why)
            self._again()
            self._answer(batch, settled=False)
            return
        self.trouble = None
        self._observe(len(batch), time.monotonic() - started)
        self._settle()
        self._answer(batch, settled=True)

    def _attempt_growing(self, batch: list[Ticket]) -> None:
        while True:
            try:
                self._attempt(batch)
                return
            except OutOfMap:
                self._grow()

    def _grow(self) -> None:
        """The transaction is begun anew in a larger map, with what was answered early."""
        while True:
            try:
                self._abort()
                self._environment.grow()
                self._replay()
                return
            except OutOfMap:
                continue

    def _attempt(self, batch: list[Ticket]) -> None:
        draft = self._open()
        for ticket in batch:
            self._judge(draft, ticket)
        draft.flush()
        self._draft = None
        self._environment.commit(draft.transaction)

    def _settle(self) -> None:
        self._early.clear()
        try:
            self._journal.clear()
        except OSError as error:  # its records are passed over at the next start: they are not newer than the store
            self._log.error("cannot empty the early journal", error=str(error))

    def _again(self) -> None:
        """After a failed commit: reopen, and commit at least what was acknowledged early."""
        try:
            self._environment.reopen()
            if self._early:
                try:
                    self._replay()
                except OutOfMap:
                    self._grow()
                self._attempt_growing([])
                self._settle()
                self._call_from_thread(self.on_settled)
        except (OutOfMap, WriteFailed, UnusableStore, OSError) as error:
            self._abort()
            if self._early:
                self._log.error("acknowledged flag changes could not be stored", error=str(error))
                self._early.clear()
                self._call_from_thread(self.on_lost)

    def _replay(self) -> None:
        """Run what was answered early once more, in a new transaction."""
        if self._early:
            draft = self._open()
            for ticket in self._early:
                _replay_one(ticket.plan, draft)

    def _open(self) -> Draft:
        if self._draft is None:
            self._draft = Draft(self._environment.begin_write())
        return self._draft

    def _abort(self) -> None:
        draft, self._draft = self._draft, None
        if draft is not None:
            draft.transaction.abort()

    def _answer(self, tickets: list[Ticket], settled: bool) -> None:
        if tickets or settled:
            for ticket in tickets:
                ticket.answered = True
            self._call_from_thread(self._finish, tickets, settled)

    def _explain(self, error: BaseException) -> str:
        directory = self._environment.path
        if isinstance(error, OutOfMap) or "map" in str(error):
            why = f"the database map is full ({error}): raise [store] map_size_bytes"
        else:
            why = f"cannot write to {directory} ({error}): free space there or check the disk"
        now = time.monotonic()
        if now - self._complained >= _COMPLAINT_SECONDS:
            self._complained = now
            self._log.error("a commit failed; nothing of it is stored", why=why)
        return why

    # Reactor thread again

    def _finish(self, tickets: list[Ticket], settled: bool) -> None:
        for ticket in tickets:
            if ticket.error is None and ticket.apply is not None:
                try:
                    ticket.apply(ticket.result)
                except Exception:
                    self._log.failure("a committed change could not be shown")
                    self.on_lost()
        if settled:
            self.on_settled()
        for ticket in tickets:
            if ticket.error is None:
                ticket.waiter.callback(ticket.result)
            else:
                ticket.waiter.errback(ticket.error)


def _replay_one(plan: Callable[[Step], Any], draft: Draft) -> None:
    """An early plan run once more: its result was told already, so what it raises now only means that it is void."""
    step = Step(draft, early=True)
    try:
        plan(step)
    except (StoreError, NotEarly):
        return
    step.spill()
