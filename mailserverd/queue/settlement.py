"""What becomes of a recipient after an attempt: pure, from what was met to its new state.

Standing rules: 5yz is final; 4yz and everything else that went wrong waits by schedule until the message expires; the
last attempt is at its expiry, not before; what was given for a greylisting comes back sooner, to the same host.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.outcome import Delivered, Outcome, Refused
from mailserverd.model.queue_entry import MAX_HISTORY, QueuedRecipient, QueueEntry, State, Tried
from mailserverd.queue.backoff import greylisted_wait, retry_wait
from mailserverd.queue.classification import Kind, known_phrases

MAX_REPLY = 1_000
_NO_CLASS = MailClass()


class Met(NamedTuple):
    """What one recipient met. relayed: it was handed on to a server that will send no report of success."""

    outcome: Outcome
    code: int
    reply: str
    where: str = ""
    relayed: bool = False
    peer: str = ""  # the host's name, for Remote-MTA


def schedule_of(entry: QueueEntry, outbound: Outbound) -> Sequence[int]:
    return outbound.classes.get(entry.mail_class, _NO_CLASS).retry_seconds or outbound.retry_seconds


def is_greylisting(met: Met) -> bool:
    if isinstance(met.outcome, (Delivered, Refused)) or met.code not in (450, 451, 421, 452, 454):
        return False
    return known_phrases().classify(met.code, met.outcome.status, met.reply).kind is Kind.GREYLISTED


def after(
    entry: QueueEntry,
    recipient: QueuedRecipient,
    met: Met,
    now: int,
    schedule: Sequence[int],
    random: Callable[[], float],
) -> QueuedRecipient:
    """The recipient as it is to be settled."""
    outcome = met.outcome
    attempts = recipient.attempts + 1
    if isinstance(outcome, Delivered):
        return _settled(recipient, State.DELIVERED, recipient.next_attempt, attempts, "2.0.0", met, now)
    if isinstance(outcome, Refused):
        return _settled(recipient, State.FAILED, recipient.next_attempt, attempts, outcome.status, met, now)
    if now >= entry.expires:
        return _settled(recipient, State.EXPIRED, recipient.next_attempt, attempts, outcome.status, met, now)
    wait = greylisted_wait if is_greylisting(met) else retry_wait
    due = min(now + wait(schedule, attempts, random), max(entry.expires, now + 1))
    return _settled(recipient, State.DEFERRED, due, attempts, outcome.status, met, now)


def stopped(recipient: QueuedRecipient, state: State, status: str, reply: str, now: int) -> QueuedRecipient:
    """It ends without an attempt: suppressed, or out of time."""
    met = Met(Refused(status, reply), 0, reply)
    return _settled(recipient, state, recipient.next_attempt, recipient.attempts, status, met, now)


def put_off(recipient: QueuedRecipient, until: int, why: str) -> QueuedRecipient:
    """No attempt was made: it waits for something of ours."""
    state = State.DEFERRED if recipient.attempts else State.DUE
    return QueuedRecipient(
        recipient.queue_id, recipient.position, recipient.address, recipient.destination, state, until,
        recipient.attempts, recipient.last_status, recipient.last_reply or why, recipient.notify, recipient.orcpt,
        recipient.told_delay, 0, recipient.history,
    )  # fmt: skip


def _settled(
    recipient: QueuedRecipient, state: State, due: int, attempts: int, status: str, met: Met, now: int
) -> QueuedRecipient:
    reply = met.reply[:MAX_REPLY]
    history = recipient.history
    if state is not State.DELIVERED:
        history = (*history[-(MAX_HISTORY - 1) :], Tried(now, met.where, status, reply))
    return QueuedRecipient(
        recipient.queue_id, recipient.position, recipient.address, recipient.destination, state, due, attempts,
        status, reply, recipient.notify, recipient.orcpt, recipient.told_delay,
        0 if state is State.DEFERRED else now, history,
    )  # fmt: skip


# Who is to be told.


def wants(entry: QueueEntry, recipient: QueuedRecipient, what: str) -> bool:
    """what: "FAILURE", "DELAY" or "SUCCESS". RFC 3461 §4.1: without NOTIFY a failure is told and a delay may be; a
    notification itself is never answered (RFC 5321 §6.1)."""
    if not entry.sender:
        return False
    if not recipient.notify:
        return what != "SUCCESS"
    return what in recipient.notify.split(",")


def delay_is_due(entry: QueueEntry, recipient: QueuedRecipient, now: int, warning_seconds: int) -> bool:
    """Whether the sender is to be told that it waits; RFC 2852 §4: by the time given, too."""
    if recipient.told_delay or recipient.state is not State.DEFERRED:
        return False
    late = bool(warning_seconds) and now >= entry.created + warning_seconds
    if entry.by_mode == "N" and now >= entry.deliver_by:
        late = True
    return late and wants(entry, recipient, "DELAY")
