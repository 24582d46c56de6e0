"""What the end of each delivery means for reputation: the suppression list, the rates of the account.

Standing rules: told after the queue has it on disk, and never holds the engine up; each end counts once; a store that
fails is logged, for the mail is not changed by it.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailserverd.interfaces.mail_transport import Hop, HopFailed, Peer
from mailserverd.model.errors import StoreError
from mailserverd.model.identifiers import AccountId
from mailserverd.queue.classification import Classifier, Kind
from mailserverd.queue.parts import Attempt
from mailserverd.queue.suppression import SuppressionList
from mailserverd.queue.suspension import Suspensions

OUT_OF_TIME = "4.4.7"  # of what was put off, and not tried, until it expired (RFC 3463 §3.5)
_ENDS = frozenset({"delivered", "relayed", "failed", "expired"})
_log = Logger()


class AttemptNotes:
    """One of those that the engine tells (queue/parts Told)."""

    def __init__(
        self,
        suppression: SuppressionList,
        suspensions: Suspensions,
        classifier: Classifier,
        seconds: Callable[[], float],
    ) -> None:
        self._suppression = suppression
        self._suspensions = suspensions
        self._classifier = classifier
        self._seconds = seconds

    def attempted(self, attempts: Sequence[Attempt]) -> None:
        ended = [each for each in attempts if each.kind in _ENDS]
        if ended:
            _in_background(self.note(ended, int(self._seconds())))

    def connected(self, provider: str, hop: Hop, peer: Peer) -> None:
        return

    def connection_failed(self, provider: str, hop: Hop, error: HopFailed) -> None:
        return

    async def note(self, ended: Sequence[Attempt], now: int) -> None:
        """Raises StoreError."""
        settled: dict[AccountId, list[int]] = {}
        for each in ended:
            hard = await self._of_address(each, now)
            if each.entry.account_id is not None:
                counts = settled.setdefault(each.entry.account_id, [0, 0])
                counts[0] += 1
                counts[1] += hard
        for account_id, (recipients, bounced) in settled.items():
            await self._suspensions.settled(account_id, recipients, bounced, now)

    async def _of_address(self, attempt: Attempt, now: int) -> bool:
        """Whether it was a hard bounce."""
        address = attempt.recipient.address
        if attempt.kind in ("delivered", "relayed"):
            await self._suppression.delivered(address)
            return False
        reply = attempt.reply if attempt.code else ""  # without a code the words are ours
        verdict = self._classifier.classify(attempt.code, attempt.recipient.last_status, reply)
        detail = attempt.reply or attempt.recipient.last_status
        if attempt.kind == "expired":
            if not attempt.code and attempt.recipient.last_status == OUT_OF_TIME:
                return False  # it waited for something of ours
            await self._suppression.expired(address, detail, now)
            return False
        await self._suppression.bounced(address, verdict.kind, detail, now)
        return verdict.kind is Kind.HARD


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    async def logged() -> None:
        try:
            await work
        except StoreError as error:
            _log.warn("what became of mail is not noted for reputation: {why}", why=str(error))
        except Exception:
            _log.failure("what became of mail is not noted for reputation")

    Deferred.fromCoroutine(logged())
