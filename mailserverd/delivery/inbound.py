"""From a received message to durable copies: headers on top, one scan, one commit an account, one queue entry.

Standing rules: Delivered is said only of a copy that is on disk; recipients that share a fate (all of an SMTP
message, the accounts of one LMTP recipient) succeed as soon as one copy does: the others become pending or bounce,
durably, before the answer; what goes elsewhere is queued first, so that a copy that fails here never makes a sender
send it there again; an error of ours is logged with its traceback and is always "try later".
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from mailserverd.delivery.copies import DELIVERED, Copies, Scanned, label_of, outcome_of, reason_of, where_of
from mailserverd.delivery.envelope import Envelope, Remote, Routed
from mailserverd.delivery.pending import Pending
from mailserverd.delivery.queue_id import delivery_key
from mailserverd.delivery.receipts import Receipts
from mailserverd.delivery.reports import Reports
from mailserverd.delivery.spool import Spooled
from mailserverd.delivery.submission_headers import take_class
from mailserverd.delivery.trace_headers import DateLine, examine, message_id_of, trace_prefix, without_fields
from mailserverd.model.account import Account
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.queue.submit import Addressee, Submission
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace
from mailserverd.wire.authentication.srs import CannotRewrite

LOOP = Refused("5.4.6", "the message has been through too many servers: a mail loop")
NO_SPACE = TryLater("4.3.1", "the server is short of space")
TOO_LARGE = Refused("5.3.4", "the message is larger than this mailbox takes")

_log = Logger()


class Sending(Protocol):
    """queue/submit."""

    async def submit(self, wanted: Submission) -> Refused | TryLater | None:
        """None: it is in the queue, on disk. Raises StoreError."""
        ...


class Senders(Protocol):
    """delivery/forwarding."""

    def sender(self, reverse_path: bytes, forwarded_by: str) -> bytes:
        """The reverse-path that a forward goes on with. Raises CannotRewrite."""
        ...


class Inbound:
    """max_received: asked for each message, so that a reload counts. seconds: the wall clock. run_in_thread: for what
    would hold the reactor up."""

    def __init__(
        self,
        copies: Copies,
        pending: Pending,
        dates: DateLine,
        seconds: Callable[[], float],
        run_in_thread: Callable[[Callable[[], tuple[bytes, str]]], Awaitable[tuple[bytes, str]]],
        max_received: Callable[[], int],
        sending: Sending,
        reports: Reports,
        receipts: Receipts,
        forwarding: Senders,
        metrics: Metrics,
        trace: Trace,
    ) -> None:
        self._copies = copies
        self._pending = pending
        self._dates = dates
        self._seconds = seconds
        self._run_in_thread = run_in_thread
        self._max_received = max_received
        self._sending = sending
        self._reports = reports
        self._receipts = receipts
        self._forwarding = forwarding
        self._metrics = metrics
        self._trace = trace

    async def receive(
        self, envelope: Envelope, spooled: Spooled, amend: Callable[[bytes], bytes] | None = None
    ) -> list[Outcome]:
        """One Outcome for the message, or one for each recipient where they stand apart. Raises nothing.

        amend: changes a submitted message before ours goes on top of it. The spooled message stays the caller's.
        """
        try:
            if not spooled.in_file:
                return await self._receive(envelope, *self._message(envelope, spooled, amend))
            await spooled.gate.acquire()
            try:
                message, mail_class = await self._run_in_thread(lambda: self._message(envelope, spooled, amend))
                return await self._receive(envelope, message, mail_class)
            finally:
                spooled.gate.release()
        except Looping:
            _log.warn("message refused: mail loop", session=envelope.session, queue_id=envelope.queue_id)
            self._trace.record("refused", queue_id=envelope.queue_id, why=LOOP.why)
            return self._all(envelope, LOOP)
        except OSError as error:
            _log.error(
                "cannot spool: free some space in the data directory",
                session=envelope.session,
                queue_id=envelope.queue_id,
                why=str(error),
            )
            return self._all(envelope, NO_SPACE)
        except Exception as error:
            return self._all(envelope, outcome_of(error, envelope.queue_id))

    def _message(
        self, envelope: Envelope, spooled: Spooled, amend: Callable[[bytes], bytes] | None
    ) -> tuple[bytes, str]:
        """With our headers on top; and the class that it names."""
        octets, mail_class = spooled.octets(), ""
        if envelope.account is not None:
            octets, mail_class = take_class(octets)
        if amend is not None:
            octets = amend(octets)
        facts = examine(octets)
        if facts.received >= self._max_received():  # RFC 5321 §6.3
            raise Looping
        if facts.return_path:
            octets = without_fields(octets, facts.length, b"return-path")  # RFC 5321 §4.4
        only = envelope.recipients[0].address if len(envelope.recipients) == 1 else None
        prefix = trace_prefix(envelope.reverse_path, envelope.received, envelope.queue_id, only, self._dates.now())
        return prefix + octets, mail_class

    async def _receive(self, envelope: Envelope, message: bytes, mail_class: str) -> list[Outcome]:
        now = int(self._seconds())
        if envelope.account is None or any(each.report for each in envelope.recipients):
            await self._read(envelope, message, now)
        remote = [each for routed in envelope.recipients for each in routed.remote]
        if remote:
            refusal = await self._send(envelope, remote, message, mail_class, now)
            if refusal is not None:
                return self._all(envelope, refusal)
        accounts = _each_once(envelope.recipients)
        outcomes: dict[AccountId, Outcome] = {}
        if not accounts and not (envelope.account is not None and envelope.account.keep_sent):
            self._note(envelope, accounts, outcomes, message_id_of(message), len(message))
            return [DELIVERED] * (len(envelope.recipients) if envelope.apart else 1)
        scanned = await self._copies.prepare(message)
        if len(accounts) == 1:
            outcomes = {accounts[0].account_id: await self._copy(envelope, accounts[0], scanned, len(message), now)}
        elif accounts:
            copies = [
                Deferred.fromCoroutine(self._copy(envelope, each, scanned, len(message), now)) for each in accounts
            ]
            results = await gatherResults(copies)
            outcomes = {each.account_id: result for each, result in zip(accounts, results, strict=True)}
        self._note(envelope, accounts, outcomes, scanned.message_id, len(message))
        answers = await self._settle(envelope, outcomes, message, now, bool(remote))
        account = envelope.account
        if account is not None and answers == [DELIVERED]:
            await self._receipts.tell(envelope, message, now)
            if account.keep_sent:
                await self._keep_sent(envelope, account, scanned, now)
        return answers

    async def _read(self, envelope: Envelope, message: bytes, now: int) -> None:
        recipients = [each.address.decode("utf-8", "replace") for each in envelope.recipients]
        await self._reports.read(recipients, envelope.reverse_path.decode("utf-8", "replace"), message, now)

    async def _send(
        self,
        envelope: Envelope,
        remote: list[Remote],
        message: bytes,
        mail_class: str,
        now: int,
    ) -> Refused | TryLater | None:
        onward = message[len(envelope.reverse_path) + len(b"Return-Path: <>\r\n") :]
        forwarded = envelope.account is None  # nobody else may send elsewhere (route)
        sender = envelope.reverse_path
        if forwarded:
            try:
                sender = self._forwarding.sender(sender, remote[0].forwarded_by)
            except CannotRewrite as error:
                return Refused("5.1.7", f"mail of this sender cannot be forwarded: {error}")
        body = envelope.body if envelope.body == "BINARYMIME" else "7BIT" if onward.isascii() else "8BITMIME"
        return await self._sending.submit(
            Submission(
                queue_id=envelope.queue_id,
                sender=sender.decode("utf-8", "replace"),
                recipients=[Addressee(each.address, each.destination, each.notify, each.orcpt) for each in remote],
                message=onward,
                now=now,
                account=envelope.account,
                mail_class=mail_class,
                message_id=message_id_of(onward).decode("utf-8", "replace"),
                body=body,
                smtputf8=envelope.utf8,
                options=envelope.options,
                forwarded=forwarded,
            )
        )

    async def _keep_sent(self, envelope: Envelope, account: Account, scanned: Scanned, now: int) -> None:
        """It was taken: that no copy could be kept is not worth a second sending."""
        try:
            await self._copies.keep_sent(account.account_id, scanned, f"{envelope.queue_id}/sent".encode(), now)
        except Exception as error:
            _log.warn("no copy in Sent", queue_id=envelope.queue_id, account=account.address, why=str(error))

    async def _copy(self, envelope: Envelope, account: Account, scanned: Scanned, octets: int, now: int) -> Outcome:
        if account.max_message_octets is not None and octets > account.max_message_octets:
            return TOO_LARGE
        try:
            key = delivery_key(envelope.queue_id, account.account_id)
            return Delivered(await self._copies.deliver(account.account_id, scanned, key, now, first=True))
        except Exception as error:
            return outcome_of(error, envelope.queue_id)

    async def _settle(
        self, envelope: Envelope, outcomes: dict[AccountId, Outcome], message: bytes, now: int, queued: bool
    ) -> list[Outcome]:
        """An answer for each group of accounts that share a fate. What becomes pending counts as delivered for all,
        and so does what is queued."""
        if all(isinstance(each, Delivered) for each in outcomes.values()):
            return [DELIVERED] * (len(envelope.recipients) if envelope.apart else 1)
        groups = _groups(envelope)
        settled = {each for each, outcome in outcomes.items() if isinstance(outcome, Delivered)}
        answers: list[Outcome] = []
        for group in groups:
            if not queued and settled.isdisjoint(account.account_id for account in group):
                continue
            for account in group:
                outcome = outcomes[account.account_id]
                if account.account_id in settled or isinstance(outcome, Delivered):
                    continue
                try:
                    await self._pending.keep(envelope, account, outcome, message, now)
                    settled.add(account.account_id)
                except Exception as error:
                    outcomes[account.account_id] = outcome_of(error, envelope.queue_id)
        for group in groups:
            failed = [outcomes[each.account_id] for each in group if each.account_id not in settled]
            answers.append(_worst(failed) if failed else DELIVERED)
        return answers

    def _note(
        self,
        envelope: Envelope,
        accounts: list[Account],
        outcomes: dict[AccountId, Outcome],
        message_id_octets: bytes,
        octets: int,
    ) -> None:
        message_id = message_id_octets.decode("utf-8", "replace")
        sender = envelope.reverse_path.decode("utf-8", "replace")
        self._trace.record(
            "received",
            queue_id=envelope.queue_id,
            message_id=message_id,
            door=envelope.door,
            session=envelope.session,
            sender=sender,
            octets=octets,
        )
        for account in accounts:
            outcome = outcomes[account.account_id]
            label = label_of(outcome)
            self._metrics.deliveries[envelope.door, label].value += 1
            self._trace.record(
                label,
                queue_id=envelope.queue_id,
                to=account.address,
                where=where_of(outcome),
                why=reason_of(outcome),
            )
        _log.info(
            "message received",
            session=envelope.session,
            queue_id=envelope.queue_id,
            message_id=message_id,
            sender=sender,
            octets=octets,
            copies=len(accounts),
            queued=sum(len(each.remote) for each in envelope.recipients),
            delivered=sum(isinstance(each, Delivered) for each in outcomes.values()),
        )

    def _all(self, envelope: Envelope, outcome: Outcome) -> list[Outcome]:
        self._metrics.deliveries[envelope.door, label_of(outcome)].value += 1
        return [outcome] * (len(envelope.recipients) if envelope.apart else 1)


class Looping(Exception):
    """The message has max_received_headers Received lines or more."""


def _each_once(recipients: Iterable[Routed]) -> list[Account]:
    return list({account.account_id: account for each in recipients for account in each.accounts}.values())


def _groups(envelope: Envelope) -> list[list[Account]]:
    if envelope.apart:
        return [list(each.accounts) for each in envelope.recipients]
    return [_each_once(envelope.recipients)]


def _worst(failed: list[Outcome]) -> Outcome:
    """A later try may still help as long as one copy was only put off."""
    return next((each for each in failed if isinstance(each, TryLater)), failed[0])
