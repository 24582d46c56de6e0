"""One connection to a server: octets out, replies in, each within its time.

Standing rules: nothing here raises but Twisted's own; a wait ends with the replies that came, and `failure` says why
there are not more; a reply that nobody waits for ends the connection, and none is taken for the answer to what was
not written yet; the time of a reply runs from the one before it and single octets don't lengthen it; one timer a
connection, which looks at the deadline from time to time.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from mailserverd.connection.prompt_write import write_now
from mailserverd.smtp.sending.body_writer import BodyWriter
from mailserverd.wire.smtp.client.reply import BadReply, Reply, ReplyReader

GOING_AWAY = 421  # RFC 5321 §3.8: the server closes the connection
CLOSING_SECONDS = 2.0
ALL_ANSWERS_SECONDS = 3600.0  # for the answers to one envelope, or of one LMTP message, however many they are
_FOREVER = float("inf")


@implementer(IHandshakeListener)
class Conversation(Protocol):
    """failure: why it is of no more use, "" while it is. going: the server said 421, and this is its reply."""

    transport: Any

    def __init__(self, clock: IReactorTime, soonest: float) -> None:
        """soonest: the shortest of all times that will be given."""
        self.failure = ""
        self.tls_error: list[Any] = []
        self.going: Reply | None = None
        self.made: Deferred[None] = Deferred(lambda _: self.abort())
        self._clock = clock
        self._soonest = soonest
        self._reader = ReplyReader()
        self._replies: list[Reply] = []
        self._limits: Sequence[float] = ()
        self._waiter: Deferred[None] | None = None
        self._handshake: Deferred[None] | None = None
        self._writer: BodyWriter | None = None
        self._closing = False
        self._due = _FOREVER
        self._end = _FOREVER
        self._wait_seconds = 0.0
        self._timer: IDelayedCall | None = None

    # What is asked of it.

    async def ask(self, data: bytes, limits: Sequence[float]) -> list[Reply]:
        """Write, and wait for as many replies as there are limits (seconds). Fewer come back when it failed, or when
        the last one is 421."""
        if not self._may_write():
            return []
        self._limits = limits
        if data:
            write_now(self.transport, data)
        return await self._answers()

    def begin_answers(self) -> None:
        """Those that are asked for from now on come within ALL_ANSWERS_SECONDS in all."""
        self._end = self._clock.seconds() + ALL_ANSWERS_SECONDS

    async def send(self, blocks: Iterator[bytes], block_seconds: float, limits: Sequence[float]) -> list[Reply]:
        """The octets of a message, then as many replies as there are limits."""
        if not self._may_write():
            return []
        self._limits = limits
        self._end = _FOREVER
        self._writer = BodyWriter(self.transport, blocks, lambda: self._wait(block_seconds), self._body_written)
        self._wait(block_seconds)
        self._writer.start()
        return await self._answers()

    async def start_tls(self, creator: Any, seconds: float) -> None:
        """Wait for the handshake. What came in the clear is thrown away (RFC 3207 §4.2)."""
        self._reader.drop()
        self._replies.clear()
        if self.failure:
            return
        self._handshake = Deferred(lambda _: self.fail("given up"))
        self._wait(seconds)
        self.transport.startTLS(creator)
        await self._handshake

    @property
    def in_step(self) -> bool:
        return not self.failure and self.going is None and not self._closing and not self._replies

    def keeps_step(self) -> bool:
        """in_step; who said more than he was asked is dropped."""
        if self._replies and not self.failure:
            self._out_of_turn()
        return self.in_step

    def fail(self, why: str) -> None:
        """It is of no more use: drop it."""
        self.failure = self.failure or why
        self._end_body()
        if self.transport is not None:
            self.transport.abortConnection()
        self._wake()

    def abort(self) -> None:
        self.fail("given up")

    def quit(self) -> None:
        """Say QUIT and go; as with most clients its reply is not waited for."""
        if self._closing or self.failure:
            self.fail("closed")
            return
        self._closing = True
        write_now(self.transport, b"QUIT\r\n")
        self.transport.loseConnection()
        self._wait(CLOSING_SECONDS)
        if self._timer is not None and self._timer.active():  # reset() would look for it among all timers
            self._timer.cancel()
            self._timer = self._clock.callLater(CLOSING_SECONDS, self._look)

    # Twisted calls these.

    def connectionMade(self) -> None:
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self._timer = self._clock.callLater(self._soonest, self._look)
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:
        if self._closing or self.failure:
            return
        try:
            found = self._reader.feed(data)
        except BadReply as error:
            self.fail(str(error))
            return
        if not found:
            return
        self._replies += found
        if self._waiter is None:
            self._out_of_turn()
        elif self._writer is not None and self._replies[0].code < 400:
            self.fail(f"it answered a message that it had not got: {self._replies.pop(0).text}")
        else:
            self._look_at_replies()

    def handshakeCompleted(self) -> None:
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if not self.failure:
            if reason.check(SSL.Error):
                self.tls_error = list(reason.value.args) if reason.value is not None else []
                self.failure = "TLS broke"
            elif reason.check(ConnectionDone):
                self.failure = "the server closed the connection"
            else:
                self.failure = "the connection was lost"
        self._end_body()
        self._wake()

    # Waiting.

    def _may_write(self) -> bool:
        if self.failure:
            return False
        if self._replies or self._closing:
            self._out_of_turn()
            return False
        return True

    async def _answers(self) -> list[Reply]:
        self._waiter = Deferred(lambda _: self.fail("given up"))
        if self.failure:
            self._wake()
        elif self._writer is None:
            self._wait(self._limits[0])
        waiter = self._waiter
        if waiter is not None:
            await waiter
        count = len(self._limits)
        answers, self._replies = self._replies[:count], self._replies[count:]
        return answers

    def _look_at_replies(self) -> None:
        """Whether these are all that is waited for."""
        got = len(self._replies)
        if self._writer is not None:  # a refusal before the message was all there: the rest cannot be sent in step
            self.fail("it refused the message before its end")
            return
        for reply in self._replies:
            if reply.code == GOING_AWAY:
                self.going = reply
                del self._replies[self._replies.index(reply) + 1 :]
                self._wake()
                return
        if got >= len(self._limits):
            self._wake()
        else:
            self._wait(self._limits[got])

    def _wake(self) -> None:
        self._due = _FOREVER
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            waiter, self._handshake = self._handshake, None
        if waiter is not None:  # who waited goes on within this call
            waiter.callback(None)

    def _out_of_turn(self) -> None:
        said = self._replies[0] if self._replies else None
        self._replies = []
        if said is not None and said.code == GOING_AWAY:
            self.going = said
            self.fail(said.text)
        else:
            self.fail("it spoke out of turn" + (f": {said.text}" if said is not None else ""))

    def _body_written(self) -> None:
        self._writer = None
        self.begin_answers()
        self._wait(self._limits[0])

    def _end_body(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()

    def _wait(self, seconds: float) -> None:
        self._wait_seconds = seconds
        self._due = min(self._clock.seconds() + seconds, self._end)

    def _look(self) -> None:
        left = self._due - self._clock.seconds()
        if left > 0:
            self._timer = self._clock.callLater(min(left, self._soonest), self._look)
            return
        self._timer = None
        if self._writer is not None:
            self.fail(f"it took no block of the message in {self._wait_seconds:.0f} seconds")
        elif self._due == self._end:
            self.fail("its answers took too long in all")
        else:
            self.fail(f"no answer in {self._wait_seconds:.0f} seconds")
