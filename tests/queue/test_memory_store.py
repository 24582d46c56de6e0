"""MemoryQueue against the contract: so that what is tested over it is tested over any QueueStore."""

import pytest

from mailserverd.interfaces.queue_store import QueueStore
from tests.contracts.loop import Loop
from tests.contracts.queue_store import QueueStoreContract
from tests.queue.memory_store import MemoryQueue


class TestMemoryQueue(QueueStoreContract):
    @pytest.fixture
    def loop(self) -> Loop:
        return Loop()

    @pytest.fixture
    def queue(self) -> MemoryQueue:
        return MemoryQueue()

    def reopen(self, queue: QueueStore) -> QueueStore:
        assert isinstance(queue, MemoryQueue)
        queue.claimed.clear()
        queue._last.clear()
        return queue
