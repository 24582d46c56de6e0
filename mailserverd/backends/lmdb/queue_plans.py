"""The steps of the outbound queue, each inside one plan of the writer.

Standing rules: an entry goes with its last recipient that waits, is held or is in the error queue; every change of a
recipient goes through `changed`, so that its record, its place, the standing of its entry and the books agree.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailserverd.backends.lmdb.queue_books import Books
from mailserverd.backends.lmdb.queue_fairness import Fairness
from mailserverd.backends.lmdb.queue_records import (
    BLOB,
    BODY,
    DELIVERED,
    ENTRY,
    ERROR,
    FAMILIES,
    JOB,
    OPEN,
    STANDING,
    EntryRecord,
    Job,
    RecipientRecord,
    Standing,
    decoded_entry,
    decoded_job,
    decoded_recipient,
    decoded_standing,
    destination_in,
    encoded,
    family_of,
    name_of,
    place_name,
    ready_key,
    waiting_key,
)
from mailserverd.backends.lmdb.step import Step
from mailserverd.model.queue_entry import WAITING, State

SLICE = 500
_WAITING = frozenset(state.value for state in WAITING)


class Change(NamedTuple):
    """Of one recipient: what it was, and its new record (None: it is dropped)."""

    position: int
    place: bytes
    state: State
    new: RecipientRecord | None


def accepted(
    step: Step, entry: EntryRecord, recipients: Sequence[RecipientRecord], content: tuple[bytes, bytes], fair: Fairness
) -> None:
    """A whole entry at once. content: the record of its body."""
    name = name_of(entry.queue_id)
    if step.get(ENTRY + name) is not None:
        return
    books = Books(step)
    standing = Standing(0)
    for position, record in enumerate(recipients):
        state = State(record.state)
        suffix = place_name(name, position)
        if state in WAITING:
            _place(step, books, entry, record, suffix, fair)
        _counted(standing, family_of(state), 1)
        books.count(state, entry.mail_class, entry.created, 1)
        step.put(family_of(state) + suffix, encoded(record))
    step.put(*content)
    step.put(ENTRY + name, encoded(entry))
    if entry.recipients > 1:
        step.put(STANDING + name, encoded(standing))
    books.close()


def staged(step: Step, name: bytes, first: int, recipients: Sequence[RecipientRecord]) -> None:
    """A slice of an entry that is not accepted yet."""
    for position, record in enumerate(recipients, first):
        step.put(family_of(State(record.state)) + place_name(name, position), encoded(record))


def published(step: Step, entry: EntryRecord, states: Mapping[State, int]) -> None:
    """The entry whose recipients are all staged is accepted. states: how many there are in each."""
    name = name_of(entry.queue_id)
    books, standing = Books(step), Standing(0)
    for state, number in states.items():
        books.count(state, entry.mail_class, entry.created, number)
        _counted(standing, family_of(state), number)
    step.put(ENTRY + name, encoded(entry))
    step.put(STANDING + name, encoded(standing))
    step.put(JOB + name, encoded(Job("place", 0, entry.recipients)))
    books.close()


def worked(step: Step, name: bytes, fair: Fairness) -> bool:
    """One slice of the entry's job; whether there is more."""
    value = step.get(JOB + name)
    if value is None:
        return False
    job = decoded_job(value)
    positions = range(job.position, min(job.position + SLICE, job.recipients))
    if job.kind == "remove":
        for position in positions:
            for family in FAMILIES:
                step.delete(family + place_name(name, position))
    else:
        _place_slice(step, name, positions, fair)
    if positions.stop >= job.recipients:
        step.delete(JOB + name)
        if job.kind == "remove" and step.get(ENTRY + name) is None:
            step.delete(BODY + name)
            step.delete(BLOB + name)
        return False
    job.position = positions.stop
    step.put(JOB + name, encoded(job))
    return True


def _place_slice(step: Step, name: bytes, positions: range, fair: Fairness) -> None:
    value = step.get(ENTRY + name)
    if value is None:
        return
    entry, books = decoded_entry(value), Books(step)
    for position in positions:
        suffix = place_name(name, position)
        found = step.get(OPEN + suffix)
        if found is not None:
            record = decoded_recipient(found)
            if record.state in _WAITING and not record.place:
                _place(step, books, entry, record, suffix, fair)
                step.put(OPEN + suffix, encoded(record))
    books.close()


def _place(
    step: Step, books: Books, entry: EntryRecord, record: RecipientRecord, suffix: bytes, fair: Fairness | None
) -> None:
    """Where it waits. fair: it was never tried, and is served in turn with other senders once it is due."""
    destination = record.destination.encode("ascii", "replace")
    if fair is not None and record.next_attempt <= entry.created:
        tag = fair.tag(step, destination, entry)
        record.place = ready_key(destination, entry.priority, tag, suffix)
    else:
        record.place = waiting_key(destination, record.next_attempt, entry.priority, suffix)
    step.put(record.place, b"")
    books.placed(destination, max(0, record.next_attempt))


def changed(step: Step, books: Books, entry: EntryRecord, changes: Sequence[Change]) -> None:
    """What became of some recipients of one entry."""
    name = name_of(entry.queue_id)
    single = entry.recipients == 1
    standing = _standing(step, name, single, changes)
    for change in changes:
        suffix = place_name(name, change.position)
        family, new = family_of(change.state), change.new
        if change.place:
            step.delete(change.place)
            books.taken(destination_in(change.place))
        books.count(change.state, entry.mail_class, entry.created, -1)
        _counted(standing, family, -1)
        if new is None:
            step.delete(family + suffix)
            continue
        state = State(new.state)
        new.place = b""
        if state in WAITING:
            _place(step, books, entry, new, suffix, None)
        new_family = family_of(state)
        if new_family != family:
            step.delete(family + suffix)
        _counted(standing, new_family, 1)
        books.count(state, entry.mail_class, entry.created, 1)
        if not (single and new_family == DELIVERED):
            step.put(new_family + suffix, encoded(new))
    if standing.open or standing.errors:
        if not single:
            step.put(STANDING + name, encoded(standing))
    else:
        _remove(step, books, entry, standing)


def _standing(step: Step, name: bytes, single: bool, changes: Sequence[Change]) -> Standing:
    if single:
        standing = Standing(0)
        _counted(standing, family_of(changes[0].state), 1)
        return standing
    return decoded_standing(step.get(STANDING + name) or b"")


def _counted(standing: Standing, family: bytes, change: int) -> None:
    if family == OPEN:
        standing.open += change
    elif family == ERROR:
        standing.errors += change
    else:
        standing.delivered += change


def _remove(step: Step, books: Books, entry: EntryRecord, standing: Standing) -> None:
    """Nothing of it is needed any more: delivered recipients are all that is left of it."""
    name = name_of(entry.queue_id)
    books.count(State.DELIVERED, entry.mail_class, entry.created, -standing.delivered)
    step.delete(ENTRY + name)
    step.delete(BODY + name)
    step.delete(BLOB + name)
    if entry.recipients > 1:
        step.delete(STANDING + name)
        if entry.recipients > SLICE:
            step.put(JOB + name, encoded(Job("remove", 0, entry.recipients)))
        else:
            for position in range(entry.recipients):
                step.delete(DELIVERED + place_name(name, position))


def steered(step: Step, queue_id: str, wanted: dict[int, RecipientRecord | None]) -> int:
    """Records that a person changed, or None to drop them, by position; those gone are passed over. How many."""
    name = name_of(queue_id)
    value = step.get(ENTRY + name)
    if value is None:
        return 0
    changes: list[Change] = []
    for position, new in wanted.items():
        suffix = place_name(name, position)
        for family in (OPEN, ERROR):
            found = step.get(family + suffix)
            if found is not None:
                old = decoded_recipient(found)
                changes.append(Change(position, old.place, State(old.state), new))
                break
    if changes:
        books = Books(step)
        changed(step, books, decoded_entry(value), changes)
        books.close()
    return len(changes)
