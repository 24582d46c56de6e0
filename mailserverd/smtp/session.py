"""What a session decides: each command and each message to its reply.

Standing rules: no transport, no time-outs, no buffers here; a reply is bytes, or a coroutine that gives bytes where
something has to be awaited; the state after a command is what RFC 5321 §4.1.4 says, whatever the reply was;
`after` tells the server what to do once the reply is written.
"""

from __future__ import annotations

import enum
from collections.abc import Coroutine
from typing import Any, Protocol

from twisted.logger import Logger

from mailserverd.accounts.login import Login, Peer
from mailserverd.accounts.sasl_exchange import SaslExchange
from mailserverd.delivery.envelope import Envelope, Routed
from mailserverd.delivery.submission_headers import complete
from mailserverd.delivery.trace_headers import TlsSeen, protocol_keyword, received_start
from mailserverd.model.account import Account
from mailserverd.smtp import replies
from mailserverd.smtp.services import Services
from mailserverd.smtp.settings import LMTP, SUBMISSION, Settings
from mailserverd.smtp.transaction import Transaction
from mailserverd.wire.sasl.steps import ChannelBinding
from mailserverd.wire.smtp.command import Mail
from mailserverd.wire.smtp.content import ChunkReceiver, DataReceiver, Discard, Fault
from mailserverd.wire.smtp.keywords import Offer
from mailserverd.wire.smtp.options import NO_RCPT_OPTIONS, RcptOptions
from mailserverd.wire.smtp.reply import reply

SWALLOWED_OCTETS = 67_108_864  # read and thrown away of a message that is refused already; then the client is dropped
MAX_IDLE_COMMANDS = 1000  # commands that bring no mail nearer, between two messages
MAX_REFUSED_RECIPIENTS = 100  # in one session: more is somebody trying names

Reply = bytes | Coroutine[Any, Any, bytes]
_log = Logger()


class After(enum.Enum):
    """What the server does once the reply is written."""

    GO_ON = 0
    CLOSE = 1
    START_TLS = 2


class Line(Protocol):
    """What a session asks of its connection."""

    def tls_seen(self) -> TlsSeen | None: ...

    def channel(self) -> ChannelBinding | None: ...


class Session:
    """One client, from the greeting on. tls: the connection has it now."""

    __slots__ = (
        "account",
        "after",
        "allowed",
        "allowed_of_rcpt",
        "bad_in_a_row",
        "esmtp",
        "exchange",
        "exempt",
        "host",
        "idle_commands",
        "line",
        "login",
        "name",
        "offer",
        "received",
        "receiver",
        "refused_recipients",
        "services",
        "session_id",
        "settings",
        "strict",
        "tls",
        "transaction",
        "verb",
    )

    def __init__(self, services: Services, settings: Settings, host: str, line: Line) -> None:
        self.services = services
        self.settings = settings
        self.host = host
        self.line = line
        self.session_id = services.session_ids.next()
        self.exempt = host in settings.exempt_networks
        self.strict = not self.exempt and host not in settings.trusted_networks
        self.tls = settings.tls_from_start
        self.login: Login | None = None
        self.account: Account | None = None
        self.exchange: SaslExchange | None = None
        self.receiver: DataReceiver | ChunkReceiver | Discard | None = None
        self.after = After.GO_ON
        self.bad_in_a_row = 0
        self.idle_commands = 0
        self.refused_recipients = 0
        self.transaction: Transaction | None = None
        self.verb = b""  # of the command in flight
        self.forget_greeting()

    # The state between messages.

    def forget_greeting(self) -> None:
        """As if nothing was said yet (RFC 3207 §4.2)."""
        self.reset()
        self.name = b""
        self.esmtp = False
        self.allowed: frozenset[bytes] = frozenset()
        self.allowed_of_rcpt: frozenset[bytes] = frozenset()
        self.received: dict[bool, bytes] = {}
        self.offer: Offer | None = None

    def reset(self) -> None:
        """Drop the message being given (RFC 5321 §4.1.1.5)."""
        if self.transaction is not None:
            self.transaction.give_up()
            self.transaction = None

    def secured(self) -> None:
        """STARTTLS was agreed to: what was said in the clear counts no more."""
        self.tls = True
        self.login = self.account = None
        self.forget_greeting()

    def gone(self) -> None:
        self.receiver = None
        self.exchange = None
        self.reset()

    def peer(self) -> Peer:
        return Peer(self.host, self.tls, "smtp", self.session_id)

    # Counting what a client does.

    def bad(self, answer: bytes) -> bytes:
        """An answer to something wrong; too many in a row end the session."""
        self.bad_in_a_row += 1
        if self.bad_in_a_row >= self.settings.max_bad_commands and self.strict:
            self.after = After.CLOSE
            _log.warn("too many bad commands", session=self.session_id, address=self.host)
            return answer + reply(421, "4.7.0", "too many bad commands")
        return answer

    def idle(self, answer: bytes) -> bytes:
        """An answer to something that is right, but brings no mail nearer."""
        self.bad_in_a_row = 0
        self.idle_commands += 1
        if self.idle_commands > MAX_IDLE_COMMANDS and self.strict:
            self.after = After.CLOSE
            return answer + reply(421, "4.7.0", "too many commands without a message")
        return answer

    # Messages.

    def begin(self, mail: Mail) -> bytes:
        self.bad_in_a_row = 0
        self.transaction = Transaction(self.services.queue_ids.next(), mail)
        return replies.MAIL_OK

    def take(self, block: bytes) -> None:
        """Octets that a receiver gave: of a message, or of nothing any more."""
        transaction = self.transaction
        if transaction is None:
            return
        limit = self.settings.max_message_bytes
        transaction.take(block, limit)
        if transaction.octets > limit + SWALLOWED_OCTETS:
            self.after = After.CLOSE
        elif self.receiver is not None and self.receiver.fault is not None:
            transaction.give_up()

    def received_all(self) -> Reply:
        """The receiver is done: the end of DATA, of a chunk, or of a chunk that was refused before."""
        receiver, self.receiver = self.receiver, None
        self.verb = b"MESSAGE"
        transaction = self.transaction
        if isinstance(receiver, Discard) or transaction is None:
            return b""
        if isinstance(receiver, ChunkReceiver):
            return self._chunk_end(transaction, receiver)
        self.transaction = None
        assert receiver is not None
        if receiver.fault is not None:
            return self._refused(transaction, reply(554, "5.6.0", receiver.fault.value))
        if transaction.spooled is None:
            return self._refused(transaction, replies.TOO_LARGE)
        return self._deliver(transaction)

    def _chunk_end(self, transaction: Transaction, receiver: ChunkReceiver) -> Reply:
        transaction.carry = receiver.ends_with_cr
        fault = receiver.fault
        if fault is None and transaction.last_chunk and transaction.carry:
            fault = Fault.BARE_LINE_END
        if fault is not None:
            transaction.give_up()
            transaction.broken = True
            answer = reply(554, "5.6.0", fault.value)
            if not transaction.last_chunk:
                return self.bad(answer)
            self.transaction = None
            return self._refused(transaction, answer)
        if not transaction.last_chunk:
            return b"250 2.0.0 %d octets received\r\n" % transaction.octets
        self.transaction = None
        return self._deliver(transaction)

    def _refused(self, transaction: Transaction, answer: bytes) -> bytes:
        """The message as a whole is refused: LMTP says so to each recipient (RFC 2033 §4.2)."""
        transaction.give_up()
        services = self.services
        why = answer.decode("ascii").strip()
        _log.info("message refused", session=self.session_id, queue_id=transaction.queue_id, why=why)
        services.trace.record("refused", queue_id=transaction.queue_id, why=why, address=self.host)
        services.metrics.deliveries[self.settings.door, "refused"].value += 1
        return self.bad(answer * len(transaction.recipients) if self.settings.door == LMTP else answer)

    async def _deliver(self, transaction: Transaction) -> bytes:
        settings, spooled = self.settings, transaction.spooled
        assert spooled is not None
        try:
            envelope = Envelope(
                settings.door,
                self.session_id,
                transaction.queue_id,
                transaction.mail.path.wire,
                tuple(transaction.recipients),
                self.received.get(transaction.mail.utf8) or self._received_start(transaction.mail.utf8),
                settings.door == LMTP,
                self.account,
                transaction.mail.body.decode("ascii"),
                transaction.mail.utf8,
                transaction.mail.options,
            )
            amend = None
            if settings.door == SUBMISSION:
                date = self.services.dates.now()
                message_id = f"{transaction.queue_id}@{settings.hostname}".encode("ascii")
                amend = lambda octets: complete(octets, date, message_id)  # noqa: E731
            outcomes = await self.services.inbound.receive(envelope, spooled, amend)
        finally:
            spooled.close()
        self.bad_in_a_row = self.idle_commands = 0
        if len(outcomes) == 1:
            return replies.outcome_reply(outcomes[0], transaction.queue_id)
        return b"".join(replies.outcome_reply(outcome, transaction.queue_id) for outcome in outcomes)

    def _received_start(self, utf8: bool) -> bytes:
        lmtp = self.settings.door == LMTP
        keyword = protocol_keyword(lmtp, self.esmtp, utf8, self.tls, self.account is not None)
        seen = self.line.tls_seen() if self.tls else None
        start = self.received[utf8] = received_start(self.name, self.host, self.settings.hostname, keyword, seen)
        return start

    # Recipients, asked of the directory.

    async def add_recipient(
        self, transaction: Transaction, routing: Coroutine[Any, Any, Any], options: RcptOptions
    ) -> bytes:
        routed = await routing
        if type(routed) is Routed:
            self.bad_in_a_row = 0
            if options is not NO_RCPT_OPTIONS:
                routed = routed.asked(options)
            transaction.recipients.append(routed)
            return replies.RCPT_OK
        transaction.refused += 1
        self.refused_recipients += 1
        answer = reply(replies.outcome_code(routed.status, routed.status.startswith("4")), routed.status, routed.why)
        _log.info(
            "recipient refused",
            session=self.session_id,
            queue_id=transaction.queue_id,
            why=answer.decode("ascii").strip(),
        )
        if self.refused_recipients > MAX_REFUSED_RECIPIENTS and self.strict:
            self.after = After.CLOSE
            return answer + reply(421, "4.7.0", "too many refused recipients")
        return answer
