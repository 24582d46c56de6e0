"""What one worker of an engine has in its hands: a connection, and what is left of an attempt.

Standing rule: a connection is kept from message to message as long as it serves, and given up to who waits in turn.
"""

from collections.abc import Sequence

from mailserverd.interfaces.mail_transport import Hop
from mailserverd.model.queue_entry import QueuedRecipient
from mailserverd.queue.connections import Held
from mailserverd.queue.house import House
from mailserverd.queue.parts import Source
from mailserverd.queue.settlement import Met

MESSAGES_BEFORE_OTHERS = 20


class Session:
    """What one worker has in its hands. busy: it may have been delivered, and that is not stored yet."""

    __slots__ = ("_house", "_source", "busy", "done", "held", "remembered", "seeking")

    def __init__(self, house: House) -> None:
        self._house = house
        self._source = Source()
        self.held: Held | None = None
        self.seeking = True
        self.busy = False
        self.done = 0
        self.remembered: list[tuple[QueuedRecipient, Met]] = []

    def hold(self, held: Held, source: Source) -> None:
        self.held, self._source, self.done = held, source, 0

    def serves(self, hops: Sequence[Hop], source: Source, tried: Sequence[Hop]) -> bool:
        held = self.held
        if held is None or tried or source != self._source or not held.connection.idle():
            return False
        return held.hop in hops

    def gives_way(self, workers: int) -> bool:
        """Whether others are to have the connection's place."""
        held = self.held
        if held is None:
            return False
        self.done += 1
        if self._house.limits.excess(held.provider):
            return True
        connections = self._house.connections
        more = workers > connections.share(held.provider)
        return connections.wanted(held.provider) and (more or (workers == 1 and self.done >= MESSAGES_BEFORE_OTHERS))

    def release(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            self._house.connections.park(held, self._source)
