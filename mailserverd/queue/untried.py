"""Recipients that are not tried just now: suppressed, suspended, out of time, or waiting for something of ours.

Standing rule: waiting is no attempt and is told to nobody, but it does not last beyond the time of the message.
"""

from collections.abc import Sequence

from mailserverd.model.errors import StoreError
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, State
from mailserverd.queue.house import Batch, House
from mailserverd.queue.resolution import failure_of
from mailserverd.queue.settlement import Met, put_off


async def screened(house: House, batch: Batch) -> Batch:
    """Without those whose time is over, or who may not be tried now: these are settled."""
    entry = batch.entry
    now = house.now()
    if entry.by_mode == "R" and now >= entry.deliver_by:  # RFC 2852 §4.1.3
        why = "it could not be delivered by the time that its sender gave"
        await house.resolution.ended(entry, batch.recipients, State.EXPIRED, "5.4.7", why)
        return Batch(entry, ())
    try:
        stopped = await house.screening.stopped(entry, batch.recipients, now)
    except StoreError as error:
        await put_off_batch(house, batch, now + 60, str(error))
        return Batch(entry, ())
    if not stopped:
        return batch
    for recipient in batch.recipients:
        found = stopped.get(recipient.position)
        if isinstance(found, Refused):
            await house.resolution.ended(entry, [recipient], State.SUPPRESSED, found.status, found.why)
        elif found is not None:
            await put_off_batch(house, Batch(entry, [recipient]), found.until, found.why)
    return Batch(entry, [each for each in batch.recipients if each.position not in stopped])


async def put_off_batch(house: House, batch: Batch, until: int, why: str) -> None:
    """Not an attempt; what has expired meanwhile ends."""
    entry, now = batch.entry, house.now()
    if now >= entry.expires:
        met = failure_of(TryLater("4.4.7", why))
        await house.resolution.attempted(entry, all_met(batch.recipients, met))
        return
    due = min(max(until, now + 1), max(entry.expires, now + 1))
    await house.resolution.put_off([put_off(each, due, why) for each in batch.recipients])


def all_met(recipients: Sequence[QueuedRecipient], met: Met) -> list[tuple[QueuedRecipient, Met]]:
    return [(each, met) for each in recipients]
