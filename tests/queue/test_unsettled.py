"""How much a crash may send twice is bounded."""

from collections.abc import Sequence

from twisted.internet.defer import CancelledError, Deferred

from mailserverd.model.queue_entry import QueuedRecipient
from mailserverd.queue.unsettled import AT_ONCE, Unsettled
from tests.queue.memory_store import MemoryQueue
from tests.queue.stage import Stage


def test_who_comes_above_the_bound_waits_in_turn() -> None:
    unsettled = Unsettled(at_once=2)
    unsettled.begun()
    unsettled.begun()
    order: list[int] = []
    waiting = [Deferred.fromCoroutine(unsettled.room()) for _ in range(3)]
    for number, each in enumerate(waiting):
        each.addCallbacks(lambda _, number=number: order.append(number), lambda failure: failure.trap(CancelledError))
    waiting[0].cancel()
    assert order == []
    unsettled.ended()
    assert order == [1]
    unsettled.begun()
    unsettled.ended()
    assert order == [1, 2]


class Slow(MemoryQueue):
    """A disk that has stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []
        self.stopped = True

    async def settle(self, recipients: Sequence[QueuedRecipient]) -> None:
        if self.stopped:
            turn: Deferred[None] = Deferred()
            self.waiting.append(turn)
            await turn
        await super().settle(recipients)


def test_a_disk_that_stopped_stops_the_sending() -> None:
    store = Slow()
    stage = Stage(store)
    hosts = [stage.host(f"d{number}.example") for number in range(60)]
    for number in range(60):
        stage.queue(f"q{number:02}", f"x@d{number}.example")
    stage.run(5)
    assert sum(len(host.messages) for host in hosts) == AT_ONCE
    store.stopped = False
    for turn in store.waiting:
        turn.callback(None)
    stage.run(5)
    assert sum(len(host.messages) for host in hosts) == 60
