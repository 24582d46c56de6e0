"""Stores of reputation over records in a dict, and settings to try the rules with."""

from mailserverd.backends.lmdb.reputation import LmdbReputation
from mailserverd.backends.lmdb.sending_counts import LmdbSendingCounts
from mailserverd.backends.lmdb.sent_messages import LmdbSentMessages
from tests.backends.lmdb.test_reputation import Scannable


class Stores:
    """again(): as after a new start of the server."""

    def __init__(self, records: Scannable | None = None) -> None:
        self.records = records or Scannable()
        self.reputation = LmdbReputation(self.records)
        self.counts = LmdbSendingCounts(self.records)
        self.sent = LmdbSentMessages(self.records)

    def again(self) -> "Stores":
        return Stores(self.records)


def run(coroutine):
    """What a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")
