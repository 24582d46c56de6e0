"""What comes back about mail that left: bounces, complaints, unsubscriptions; read when such a message is received.

Standing rules: a report is matched before it means anything (queue/matching), and counts once; what it changes is
durable before the message that brought it is acknowledged; the message itself is delivered as any other, to whom the
return path leads. Only mail to an unsubscribe address ends here.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.logger import Logger

from mailserverd.model.identifiers import AccountId
from mailserverd.queue.classification import Classifier, Kind
from mailserverd.queue.matching import Matched, Matching
from mailserverd.queue.suppression import SuppressionList
from mailserverd.queue.suspension import Suspensions
from mailserverd.queue.unsubscribe import Unsubscribe
from mailserverd.wire.arf.feedback import FeedbackReport, read_feedback
from mailserverd.wire.dsn.incoming import IncomingReport, Reported, guessed, read_report
from mailserverd.wire.mime.decode import decode_header
from mailserverd.wire.mime.headers import field_values, find_header_end, index_header

_log = Logger()


class Feedback:
    """tell: an event ("bounced", "complained", "unsubscribed") with its facts, for webhooks, metrics, trail."""

    def __init__(
        self,
        matching: Matching,
        unsubscribe: Unsubscribe,
        suppression: SuppressionList,
        suspensions: Suspensions,
        classifier: Classifier,
        tell: Callable[[str, dict[str, Any]], Awaitable[None]],
    ) -> None:
        self._matching = matching
        self._unsubscribe = unsubscribe
        self._suppression = suppression
        self._suspensions = suspensions
        self._classifier = classifier
        self._tell = tell

    async def leads_to(self, address: str) -> str | None:
        """Where mail for an address of this server's making goes: to the sender of the message whose return path it
        is; "" for one that ends here (unsubscribe); None: it is no such address. Raises StoreError."""
        if self._unsubscribe.is_address(address):
            return ""
        found = await self._matching.by_path([address])
        return None if found is None else found.message.sender

    async def read(self, recipients: Sequence[str], reverse_path: str, message: bytes, now: int) -> None:
        """A message that was received, before it is acknowledged. Raises StoreError: nothing that it says is lost, for
        the sender comes again."""
        if any(map(self._unsubscribe.is_address, recipients)):
            await self._unsubscribed(message, now)
        by_path = await self._matching.by_path(recipients)
        if by_path is None and not is_report(message):
            return
        feedback = read_feedback(message)
        if feedback is not None:
            await self._feedback(feedback, by_path, now)
        elif not reverse_path:  # RFC 3464 §2: a notification has the null reverse-path
            await self._bounces(read_report(message), by_path, now)

    async def _unsubscribed(self, message: bytes, now: int) -> None:
        subject = subject_of(message)
        wanted = self._unsubscribe.in_subject(subject)
        if wanted is None:
            _log.info("mail to the unsubscribe address without a link of ours", subject=subject[:100])
            return
        await self.take_out(wanted.account_id, wanted.mail_class, wanted.address, now)

    async def one_click(self, token: str, now: int) -> bool:
        """Who followed a link (RFC 8058 §3.2); False: it is none of ours. Raises StoreError."""
        wanted = self._unsubscribe.read(token)
        if wanted is None:
            return False
        await self.take_out(*wanted, now)
        return True

    async def take_out(self, account_id: AccountId, mail_class: str, address: str, now: int) -> None:
        """A recipient unsubscribed. Raises StoreError."""
        done = await self._suppression.unsubscribed(address, account_id, mail_class, now)
        if done is not None:
            await self._tell("unsubscribed", {"recipient": address, "account_id": account_id, "class": mail_class})

    async def _feedback(self, report: FeedbackReport, by_path: Matched | None, now: int) -> None:
        found = by_path or await self._matching.by_path([report.sender])
        matched = [found] if found is not None else []
        if found is None:
            message = await self._matching.message("", report.message_id)
            if message is not None:
                for address in report.recipients or ("",):
                    one = await self._matching.recipient(message, [address])
                    if one is not None and one not in matched:
                        matched.append(one)
        for each in matched:
            if report.complains:
                await self._complaint(report, each, now)
            elif report.kind == "opt-out" and each.message.account_id is not None:
                await self.take_out(each.message.account_id, each.message.mail_class, each.address, now)
        if not matched:
            _log.info("a feedback report matches nothing that was sent", kind=report.kind, id=report.message_id)

    async def _complaint(self, report: FeedbackReport, matched: Matched, now: int) -> None:
        message = matched.message
        await self._suppression.complained(matched.address, message.account_id, f"feedback: {report.kind}", now)
        if not await self._matching.first(matched, "complaint"):
            return
        if message.account_id is not None:
            await self._suspensions.complained(message.account_id, now)
        await self._tell("complained", {**_facts(matched), "reason": report.kind})

    async def _bounces(self, report: IncomingReport, by_path: Matched | None, now: int) -> None:
        failed = [each for each in report.recipients if each.action == "failed"]
        if by_path is not None:
            if not report.recipients:
                words = guessed(report.words)
                failed = [words] if words is not None and words.code >= 500 else []
            if failed:
                await self._bounce(by_path, failed[0], now)
            return
        message = await self._matching.message(report.envelope_id, report.message_id) if failed else None
        for each in failed if message is not None else []:
            assert message is not None
            found = await self._matching.recipient(message, [each.original, each.final])
            if found is not None:
                await self._bounce(found, each, now)

    async def _bounce(self, matched: Matched, reported: Reported, now: int) -> None:
        verdict = self._classifier.classify(reported.code, reported.status, reported.diagnostic)
        detail = reported.diagnostic or reported.status
        await self._suppression.bounced(matched.address, verdict.kind, detail, now)
        if not await self._matching.first(matched, "bounce"):
            return
        account_id = matched.message.account_id
        if account_id is not None and verdict.kind is Kind.HARD:
            await self._suspensions.settled(account_id, 0, 1, now)
        await self._tell("bounced", {**_facts(matched), "reason": verdict.kind.value, "reply": detail[:500]})


def _facts(matched: Matched) -> dict[str, Any]:
    message = matched.message
    return {
        "queue_id": message.queue_id,
        "message_id": message.message_id,
        "sender": message.sender,
        "recipient": matched.address,
        "class": message.mail_class,
    }


def is_report(message: bytes) -> bool:
    """Whether a message says that it is one (RFC 6522 §3): one look at its header."""
    end = find_header_end(message, 0, min(len(message), 65_536))
    return b"report-type" in message[: end if end >= 0 else 65_536].lower()


def subject_of(message: bytes) -> str:
    end = find_header_end(message, 0, len(message))
    header = message[: end if end >= 0 else len(message)][:262_144]
    values = field_values(header, index_header(header), b"subject")
    return decode_header(values[0]) if values else ""
