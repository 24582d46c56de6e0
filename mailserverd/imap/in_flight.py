"""The command that a connection is at: driven by hand until it waits for something, and then on from there; and what
it waits for of the client.

Standing rules: however a command ends, it ends with a Reply; an error of ours is logged with its traceback; what a
command waited for has given the reactor a pause, so that its time to work begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailserverd.imap.reply import Refused, Reply, no, reply_to_error, syntax_reply
from mailserverd.imap.session import Session
from mailserverd.imap.turns import HEAVY, TURN_SECONDS, Turns
from mailserverd.model.errors import Damaged, StoreError
from mailserverd.wire.imap.syntax_error import BadSyntax
from mailserverd.wire.imap.verbs import Verb

Work = Coroutine[Any, Any, Reply | None]
_BUG = no(b"The server failed at this command; it is logged", b"SERVERBUG")
log = Logger()


class InFlight:
    """ended: told the command's reply. woken: called whenever what it waited for has come and it has worked on.

    work: None between commands. verb, began: of the last one. line: waited for, from the client. lost: it is gone.
    """

    __slots__ = (
        "_drain",
        "_ended",
        "_session",
        "_turn_ends",
        "_turns",
        "_woken",
        "began",
        "line",
        "lost",
        "verb",
        "work",
    )

    def __init__(
        self, session: Session, turns: Turns, ended: Callable[[Reply | None], None], woken: Callable[[], None]
    ) -> None:
        self._session = session
        self._turns = turns
        self._ended = ended
        self._woken = woken
        self._turn_ends = self.began = 0.0
        self.verb: Verb | None = None
        self.work: Work | None = None
        self.line: Deferred[bytes] | None = None
        self._drain: Deferred[None] | None = None
        self.lost = False

    def begin(self, verb: Verb, work: Work) -> None:
        self.verb = verb
        self.began = perf_counter()
        self._turn_ends = self.began + TURN_SECONDS
        if verb.name in HEAVY and self._turns.is_full():
            work = self._in_turn(work)
        self.work = work
        self._step(work)

    def go_on_with(self, work: Work) -> None:
        """It is not over yet."""
        self.work = work
        self._step(work)

    # What it waits for.

    async def next_line(self) -> bytes:
        if self.lost:
            raise ConnectionDone
        self.line = Deferred()
        return await self.line

    def got_line(self, line: bytes) -> None:
        waiting, self.line = self.line, None
        assert waiting is not None
        waiting.callback(line)

    async def drained(self) -> None:
        while self._session.wire.paused:
            if self.lost:
                raise ConnectionDone
            if self._drain is None:
                self._drain = Deferred()
            await self._drain

    def client_reads(self) -> bool:
        """Whether the command waited for that."""
        waiting, self._drain = self._drain, None
        if waiting is None:
            return False
        waiting.callback(None)
        return True

    def client_is_gone(self, reason: Failure) -> None:
        self.lost = True
        line, self.line = self.line, None
        drain, self._drain = self._drain, None
        for waiting in (line, drain):
            if waiting is not None:
                waiting.errback(reason)

    async def turn(self) -> None:
        """Let other sessions go first, if this one has worked for long."""
        turns = self._turns
        if turns.is_over() or perf_counter() > self._turn_ends:
            await turns.next()
        if self.lost:
            raise ConnectionDone

    async def _in_turn(self, work: Work) -> Reply | None:
        try:
            await self._turns.next(begun=False)
            if self.lost:
                raise ConnectionDone
            return await work
        finally:
            work.close()

    # How it is driven.

    def _step(self, work: Work, failed: Failure | None = None) -> None:
        """Run until it waits or ends. failed: what it waited for did."""
        try:
            waiting = work.send(None) if failed is None else failed.throwExceptionIntoGenerator(work)
        except StopIteration as stop:
            self.work = None
            self._ended(stop.value)
        except Exception as error:
            self.work = None
            self._ended(self._reply_to(error))
        else:
            waiting.addBoth(self._wake)

    def _wake(self, result: object) -> None:
        # The coroutine reads a result from the Deferred itself; a failure it cannot read while callbacks run.
        work = self.work
        assert work is not None
        self._turn_ends = perf_counter() + TURN_SECONDS
        if isinstance(result, Failure):
            try:
                self._step(work, result)
            finally:
                result.cleanFailure()  # it would hold what the command held until the garbage is collected
        else:
            self._step(work)
        self._woken()

    def _reply_to(self, error: Exception) -> Reply:
        if isinstance(error, Refused):
            return error.reply
        if isinstance(error, BadSyntax):
            return syntax_reply(error)
        session, verb = self._session.peer.session, self.verb.name if self.verb is not None else ""
        if isinstance(error, StoreError):
            if isinstance(error, Damaged):
                log.error("a message cannot be read: {why}", why=str(error), session=session)
            return reply_to_error(error)
        if not self.lost:
            log.failure("an IMAP command failed", session=session, verb=verb)
        return _BUG
