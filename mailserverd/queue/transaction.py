"""One batch over one connection, and what it means for each recipient.

Standing rules: what a peer refused with a 4yz may be tried at the next host of the same attempt, a greylisting not; a
connection that was used before and breaks at once says nothing about the message: it is tried anew on a fresh one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mailserverd.interfaces.mail_transport import Hop, Outgoing, Recipient, Result
from mailserverd.model.outcome import Delivered, Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient
from mailserverd.queue.connections import Held, where_of
from mailserverd.queue.house import Batch, House
from mailserverd.queue.parts import Source
from mailserverd.queue.settlement import Met, is_greylisting
from mailserverd.wire.smtp.options import xtext


class Sent(NamedTuple):
    """stale: nothing was tried, the connection was over already."""

    met: list[tuple[QueuedRecipient, Met]]
    broken: bool
    stale: bool


async def sent_over(house: House, held: Held, batch: Batch, body: bytes) -> Sent:
    """Raises nothing."""
    entry, recipients = batch

    async def prepare(form: str) -> bytes:
        return await house.preparation.prepare(entry, recipients, body, form)

    first = recipients[0]
    deliver_by = (max(0, entry.deliver_by - house.now()), entry.by_mode) if entry.by_mode else None
    message = Outgoing(
        house.preparation.sender(entry, first),
        [_recipient(each) for each in recipients],
        entry.size,
        prepare,
        entry.body,
        entry.smtputf8,
        entry.require_tls,
        entry.ret,
        entry.envid,
        entry.priority,
        deliver_by,
    )
    again = held.sent > 0
    held.sent += 1
    answer = await held.connection.send(message)
    results = answer.results
    stale = again and answer.broken and all(_says_nothing(each) for each in results)
    by = bool(entry.by_mode) and "DELIVERBY" not in held.connection.peer.extensions
    where, host = held.connection.peer.where, held.hop.host
    met = [
        (recipient, _met(recipient, result, where, host, by))
        for recipient, result in zip(recipients, results, strict=True)
    ]
    return Sent(met, answer.broken, stale)


def _recipient(recipient: QueuedRecipient) -> Recipient:
    kind, found, address = recipient.orcpt.partition(";")
    wire = f"{kind};{xtext(address) if kind != 'utf-8' else address}" if found else ""
    return Recipient(recipient.address, recipient.notify, wire)


def _says_nothing(result: Result) -> bool:
    """A closed connection, or a 421 that is not about us: the peer has had enough of this session (RFC 5321 §3.8)."""
    outcome = result.outcome
    if not isinstance(outcome, TryLater):
        return False
    return not result.code or (result.code == 421 and not outcome.status.startswith("4.7."))


def _met(recipient: QueuedRecipient, result: Result, where: str, host: str, by: bool) -> Met:
    relayed = False
    if isinstance(result.outcome, Delivered) and not result.sent_dsn:
        # RFC 3461 §5.2.2; RFC 2852 §4.1.4: the next server knows no deadline
        relayed = "SUCCESS" in recipient.notify or (by and recipient.notify != "NEVER")
    return Met(result.outcome, result.code, result.reply, where, relayed, host)


def elsewhere(met: Sequence[tuple[QueuedRecipient, Met]]) -> set[int]:
    """The positions of those for whom another host of the same destination may do better."""
    return {
        recipient.position for recipient, each in met if isinstance(each.outcome, TryLater) and not is_greylisting(each)
    }


def too_many(met: Sequence[tuple[QueuedRecipient, Met]]) -> set[int]:
    """The positions of those whom the server did not want in this transaction, having taken others: they go in the
    next one, at once (RFC 5321 §4.5.3.1.10)."""
    if not any(isinstance(each.outcome, Delivered) for _, each in met):
        return set()
    return {recipient.position for recipient, each in met if _says_too_many(each)}


def _says_too_many(met: Met) -> bool:
    if not isinstance(met.outcome, TryLater):
        return False
    return met.outcome.status == "4.5.3" or (met.code == 452 and "too many recipients" in met.reply.lower())


def note(house: House, provider: str, source: Source, met: Sequence[tuple[QueuedRecipient, Met]]) -> None:
    """Tell the limits: successes once, each different reply once."""
    delivered = 0
    replies: set[tuple[int, str]] = set()
    now = house.now()
    for _, each in met:
        outcome = each.outcome
        if isinstance(outcome, (TryLater, Refused)):
            if (each.code, each.reply) not in replies:
                replies.add((each.code, each.reply))
                house.limits.failed(provider, source.address, outcome, each.code, each.reply, now)
        else:
            delivered += 1
    if delivered:
        house.limits.succeeded(provider, source.address, delivered, now)


def last_greylisted_first(batch: Batch, hops: Sequence[Hop]) -> Sequence[Hop]:
    """A greylist remembers who came to this host: the one that answered last goes first, where there are several."""
    history = batch.recipients[0].history
    if not history or len(hops) < 2 or history[-1].status[:1] != "4":
        return hops
    last = history[-1]
    if not is_greylisting(Met(TryLater(last.status, last.reply), 450, last.reply)):
        return hops
    return sorted(hops, key=lambda hop: where_of(hop) != last.where)
