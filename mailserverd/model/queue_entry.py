"""A message on its way out: what was promised for it, and where each of its recipients stands.

Standing rules: the entry never changes once it is accepted; all that changes is in its recipients. Times are whole
seconds since the epoch.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mailserverd.model.identifiers import AccountId


class State(StrEnum):
    """Of a recipient. DUE: was not tried yet. DEFERRED: waits for its next attempt. HELD: waits for a person.

    DELIVERED, FAILED, EXPIRED and SUPPRESSED are final; those that are no success stand in the error queue.
    """

    DUE = "due"
    IN_FLIGHT = "in_flight"
    DEFERRED = "deferred"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"


WAITING = frozenset({State.DUE, State.DEFERRED})
FINAL = frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.SUPPRESSED})


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One accepted message.

    sender        the reverse-path, without angle brackets; "" is the null one
    account_id    who submitted it; None: this server (a bounce, a report) or a forward
    mail_class    the class that gives schedule, pool and rules ("" where none is configured)
    size          octets of the body as accepted
    body          "7BIT", "8BITMIME" or "BINARYMIME" (RFC 6152, RFC 3030)
    smtputf8      the sender asked for it (RFC 6531)
    require_tls   REQUIRETLS was given (RFC 8689)
    ret, envid    DSN parameters as they came, decoded ("FULL", "HDRS" or "") (RFC 3461)
    priority      MT-PRIORITY, -9 to 9 (RFC 6710)
    deliver_by    when it is of no more use (RFC 2852), and by_mode "R" (return) or "N" (notify); 0 and "": never
    forwarded     others wrote it, and an alias leads on: it is never signed as ours
    expires       when it is given up
    message_id    without angle brackets, for the trail
    """

    queue_id: str
    sender: str
    account_id: AccountId | None
    mail_class: str
    created: int
    expires: int
    size: int
    message_id: str = ""
    body: str = "8BITMIME"
    smtputf8: bool = False
    require_tls: bool = False
    ret: str = ""
    envid: str = ""
    priority: int = 0
    deliver_by: int = 0
    by_mode: str = ""
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt. where: "host[address]:port" or "" when none was reached; reply: the peer's text, or our reason."""

    at: int
    where: str
    status: str
    reply: str


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """One recipient of an entry; (queue_id, position) names it.

    destination   what engines are made of: the lower-case ASCII domain, or "domain" of an address literal
    notify, orcpt DSN parameters (RFC 3461): notify is a sorted comma list ("", "NEVER", "DELAY,FAILURE" ...)
    next_attempt  when it is due next; of no meaning in a final state
    told_delay    the delay was reported to the sender
    history       the last attempts, oldest first, at most MAX_HISTORY
    """

    queue_id: str
    position: int
    address: str
    destination: str
    state: State
    next_attempt: int
    attempts: int = 0
    last_status: str = ""
    last_reply: str = ""
    notify: str = ""
    orcpt: str = ""
    told_delay: bool = False
    finished: int = 0
    history: tuple[Tried, ...] = ()


MAX_HISTORY = 40


class Queued(NamedTuple):
    """A recipient with its entry."""

    entry: QueueEntry
    recipient: QueuedRecipient
