"""What became of each recipient of a transaction, while it goes on.

Standing rules: a recipient that has a result keeps it; at the end every one has one; what nobody answered for is
temporary, and says why the answer did not come.
"""

from collections.abc import Iterable

from mailserverd.interfaces.mail_transport import Result, Sent
from mailserverd.model.outcome import Delivered, Outcome, TryLater
from mailserverd.wire.smtp.client.outcome import failure_of, outcome_of
from mailserverd.wire.smtp.client.reply import Reply

NO_ANSWER = "4.4.2"  # RFC 3463 §3.5: bad connection


class Results:
    """Of `count` recipients. where: the peer, for the trail."""

    __slots__ = ("_found", "_where")

    def __init__(self, count: int, where: str) -> None:
        self._found: list[Result | None] = [None] * count
        self._where = where

    def open(self) -> list[int]:
        """Positions without a result."""
        return [position for position, each in enumerate(self._found) if each is None]

    def delivered(self, position: int) -> bool:
        found = self._found[position]
        return found is not None and isinstance(found.outcome, Delivered)

    def too_many(self, position: int) -> bool:
        """Whether the server would have taken this recipient, had there been fewer (RFC 5321 §4.5.3.1.10)."""
        found = self._found[position]
        if found is None or not isinstance(found.outcome, TryLater) or found.code not in (452, 552):
            return False
        return found.outcome.status == "4.5.3" or "too many recipients" in found.reply.lower()

    def put(self, position: int, outcome: Outcome, why: str) -> None:
        """By our own reason."""
        self._found[position] = Result(outcome, 0, why)

    def failed(self, positions: Iterable[int], reply: Reply) -> None:
        """The same refusal for all of them."""
        result = Result(failure_of(reply), reply.code, reply.text)
        for position in positions:
            self._found[position] = result

    def answered(self, positions: Iterable[int], reply: Reply, sent_dsn: bool) -> None:
        """The reply to the message itself."""
        result = Result(outcome_of(reply, self._where), reply.code, reply.text, sent_dsn and reply.code // 100 == 2)
        for position in positions:
            self._found[position] = result

    def all_open(self, outcome: Outcome, why: str) -> None:
        for position in self.open():
            self.put(position, outcome, why)

    def unanswered(self, why: str, going: Reply | None) -> None:
        """The conversation is over: by 421, or by a failure."""
        if going is not None:
            self.failed(self.open(), going)
        else:
            why = why or "the server gave no answer"
            self.all_open(TryLater(NO_ANSWER, why), why)

    def sent(self, broken: bool) -> Sent:
        assert None not in self._found
        return Sent([each for each in self._found if each is not None], broken)
