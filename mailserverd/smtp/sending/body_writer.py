"""The octets of a message, written as fast as the server takes them and no faster.

Standing rule: no more than two blocks wait in the transport, whatever the size of the message.
"""

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class BodyWriter:
    """moved: called for each block. written: called once when the last one was handed over."""

    __slots__ = ("_blocks", "_moved", "_paused", "_running", "_transport", "_written")

    def __init__(
        self, transport: Any, blocks: Iterator[bytes], moved: Callable[[], None], written: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._blocks = blocks
        self._moved = moved
        self._written = written
        self._paused = False
        self._running = False

    def start(self) -> None:
        self._running = True
        self._transport.registerProducer(self, True)
        self._go_on()

    def stop(self) -> None:
        """Nothing more is written."""
        if self._running:
            self._running = False
            self._transport.unregisterProducer()

    def resumeProducing(self) -> None:
        self._paused = False
        self._go_on()

    def pauseProducing(self) -> None:
        self._paused = True

    def stopProducing(self) -> None:
        """The connection's end is told by connectionLost."""
        self._running = False

    def _go_on(self) -> None:
        while self._running and not self._paused:
            block = next(self._blocks, None)
            if block is None:
                self.stop()
                self._written()
                return
            self._moved()
            self._transport.write(block)
