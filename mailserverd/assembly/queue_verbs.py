"""The verbs on the outbound queue: look at it, and steer it.

Standing rules: a verb does one page and tells where the next begins, so that none holds the server up however long
the queue is; a row's cursor is "QUEUE_ID/POSITION"; what is in flight is left alone and said to be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from mailserverd.accounts.administration import VerbRefused
from mailserverd.interfaces.queue_store import QueueFilter, QueuePage, QueueStore
from mailserverd.model.errors import NotFound
from mailserverd.model.queue_entry import FINAL, Queued, QueuedRecipient, State

PAGE = 500
MAX_EDITED_OCTETS = 50 * 1024 * 1024
Row = dict[str, Any]
Read = Callable[[QueueFilter, str, int], Awaitable[QueuePage]]


class QueueVerbs:
    """seconds: the wall clock. wake: something may be due. flush: forget every rest, back-off and learned limit."""

    def __init__(
        self, store: QueueStore, seconds: Callable[[], float], wake: Callable[[], None], flush: Callable[[], None]
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._wake = wake
        self._flush = flush
        self.list = _looking(store.page)  # what waits, is in flight or held
        self.errors = _looking(store.errors)  # the error queue

    # Looking.

    async def counts(self) -> list[Row]:
        """How many recipients there are by state and class, and how old the oldest is."""
        now = int(self._seconds())
        return [
            {
                "state": each.state,
                "class": each.mail_class,
                "recipients": each.recipients,
                "oldest_seconds": max(0, now - each.oldest),
            }
            for each in await self._store.counts()
            if each.recipients
        ]

    async def show(self, queue_id: str) -> Row:
        """One message: its entry, each recipient with its history, and its header."""
        rows = await self._rows(queue_id)
        entry = rows[0].entry
        header = (await self._store.body(queue_id)).partition(b"\r\n\r\n")[0][:65536]
        return {
            "queue_id": queue_id,
            "sender": entry.sender,
            "class": entry.mail_class,
            "created": entry.created,
            "expires": entry.expires,
            "size": entry.size,
            "message_id": entry.message_id,
            "priority": entry.priority,
            "require_tls": entry.require_tls,
            "header": header.decode("utf-8", "replace"),
            "recipients": [{**row_of(each), "history": _history(each.recipient)} for each in rows],
        }

    async def body(self, queue_id: str) -> Row:
        """The whole message, for editing."""
        return {"message": (await self._store.body(queue_id)).decode("latin-1")}

    # Steering.

    async def change(
        self,
        what: str,
        domain: str = "",
        account: str = "",
        mail_class: str = "",
        queue_id: str = "",
        errors: bool = False,
        after: str = "",
        limit: int = PAGE,
    ) -> Row:
        """what: "hold", "release", "retry" or "drop", to one page; errors: to those in the error queue."""
        if what not in ("hold", "release", "retry", "drop"):
            raise VerbRefused(f"{what} is nothing that is done to queued mail")
        wanted = _filter(domain, account, mail_class, "", queue_id)
        read = self._store.errors if errors else self._store.page
        page = await read(wanted, after, _bounded(limit))
        now = int(self._seconds())
        recipients = [each.recipient for each in page.rows if each.recipient.state is not State.IN_FLIGHT]
        if what == "drop":
            changed = await self._store.drop(recipients)
        else:
            new = [made for each in recipients if (made := _changed(each, what, now)) is not None]
            changed = await self._store.update(new) if new else 0
        if what in ("release", "retry"):
            self._wake()
        return {"changed": changed, "in_flight": len(page.rows) - len(recipients), "after": page.after}

    async def flush(self) -> Row:
        """Forget every rest, back-off and learned limit, once; `change retry` makes the mail itself due."""
        self._flush()
        return {"flushed": True}

    async def edit(self, queue_id: str, message: str | None = None, recipient: str = "", position: int = 0) -> Row:
        """Replace the message (its octets as latin-1 text), or the address of one recipient that is not in flight."""
        rows = await self._rows(queue_id)
        if any(each.recipient.state is State.IN_FLIGHT for each in rows):
            raise VerbRefused(f"{queue_id} is in flight just now; try again when the attempt is over")
        if message is not None:
            await self._store.replace_body(queue_id, _octets(message))
        if recipient:
            await self._readdress(rows, recipient, position)
        return {"edited": queue_id}

    async def _readdress(self, rows: Sequence[Queued], address: str, position: int) -> None:
        found = [each.recipient for each in rows if each.recipient.position == position]
        domain = address.rpartition("@")[2].lower()
        if not found or not domain or not all(33 <= ord(char) != 127 for char in address):
            raise VerbRefused("name a recipient of the message and a whole address for it")
        await self._store.update([replace(found[0], address=address, destination=domain)])

    async def _rows(self, queue_id: str) -> list[Queued]:
        rows = await self._store.entry(queue_id)
        if not rows:
            raise NotFound(f"there is no {queue_id} in the queue")
        return rows


def _looking(read: Read) -> Callable[..., Awaitable[Row]]:
    """A verb that gives a page of recipients, the oldest message first; `after` of the answer is "" at the end."""

    async def look(
        domain: str = "",
        account: str = "",
        mail_class: str = "",
        state: str = "",
        queue_id: str = "",
        after: str = "",
        limit: int = PAGE,
    ) -> Row:
        return _told(await read(_filter(domain, account, mail_class, state, queue_id), after, _bounded(limit)))

    return look


def row_of(queued: Queued) -> Row:
    """One recipient as the command line shows it. Times: epoch seconds; next_attempt null where there is none."""
    entry, recipient = queued
    return {
        "queue_id": entry.queue_id,
        "position": recipient.position,
        "cursor": f"{entry.queue_id}/{recipient.position}",
        "sender": entry.sender,
        "recipient": recipient.address,
        "state": recipient.state,
        "class": entry.mail_class,
        "attempts": recipient.attempts,
        "next_attempt": None if recipient.state in FINAL else recipient.next_attempt,
        "last_status": recipient.last_status,
        "last_reply": recipient.last_reply,
        "created": entry.created,
        "expires": entry.expires,
        "size": entry.size,
        "message_id": entry.message_id,
    }


def _history(recipient: QueuedRecipient) -> list[Row]:
    return [
        {"at": each.at, "where": each.where, "status": each.status, "reply": each.reply} for each in recipient.history
    ]


def _changed(recipient: QueuedRecipient, what: str, now: int) -> QueuedRecipient | None:
    """What becomes of it; None where there is nothing to change."""
    if what == "hold":
        return None if recipient.state is State.HELD else replace(recipient, state=State.HELD)
    if what == "release" and recipient.state is not State.HELD:
        return None
    state = State.DEFERRED if recipient.attempts else State.DUE
    return replace(recipient, state=state, next_attempt=now, finished=0)


def _filter(domain: str, account: str, mail_class: str, state: str, queue_id: str) -> QueueFilter:
    try:
        states = frozenset((State(state),)) if state else frozenset()
    except ValueError:
        raise VerbRefused(f"{state} is no state; one of {', '.join(State)}") from None
    return QueueFilter(domain.lower(), account.lower(), mail_class, queue_id, states)


def _bounded(limit: int) -> int:
    return max(1, min(limit, 1000))


def _octets(text: str) -> bytes:
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError:
        raise VerbRefused("the message is not given as octets") from None
    if not octets or len(octets) > MAX_EDITED_OCTETS:
        raise VerbRefused("the message is empty or too large")
    return octets


def _told(page: QueuePage) -> Row:
    return {"rows": [row_of(each) for each in page.rows], "after": page.after}
