"""FETCH and UID FETCH (RFC 9051 §6.4.5, RFC 7162 §3.1.4).

Standing rules: a page at a time, then the client and the other sessions have their turn; \\Seen is stored before the
octets are sent, and told in the same answer; a literal that was begun and cannot be ended closes the connection.
"""

from collections.abc import Sequence

from mailserverd.imap.fetch_plan import Batch, Plan, compile_items
from mailserverd.imap.fetch_sections import write_sections
from mailserverd.imap.mailbox_session import MailboxSession, selected_of, use_condstore
from mailserverd.imap.reply import Reply, no, ok
from mailserverd.imap.selected import Selected
from mailserverd.imap.spans import Spans, positions_of, spans_at, steps
from mailserverd.mailstore.flags import set_seen
from mailserverd.mailstore.read import page_size, pages
from mailserverd.model.flags import SEEN
from mailserverd.model.message import MessageRow
from mailserverd.wire.imap.command.fetch import Fetch
from mailserverd.wire.imap.fetch_items import Item


async def run(session: MailboxSession, command: Fetch) -> Reply:
    selected = selected_of(session)
    if command.changed_since is not None or Item.MODSEQ in command.items:
        use_condstore(session)  # RFC 7162 §3.1: a CONDSTORE enabling command
    spans = selected.spans(command.ids, command.uid)
    if command.changed_since is not None:
        spans = _changed(selected, spans, command.changed_since)
    missing = await _Answer(session, selected, command).write(spans)
    if missing and not command.uid:  # RFC 5530 §3: named by numbers that stay until the EXPUNGE is told
        return no(b"Some of the messages are expunged", b"EXPUNGEISSUED")
    return ok(b"Fetched")


def _changed(selected: Selected, spans: Spans, since: int) -> Spans:
    positions = positions_of(spans)
    modseqs = selected.modseqs_at(positions)
    return spans_at([i for i, modseq in zip(positions, modseqs, strict=True) if modseq > since])


class _Answer:
    """One FETCH being answered."""

    __slots__ = ("missing", "plan", "selected", "session", "with_flags")

    def __init__(self, session: MailboxSession, selected: Selected, command: Fetch) -> None:
        self.session = session
        self.selected = selected
        add: tuple[Item, ...] = (Item.UID,) if command.uid else ()  # RFC 9051 §6.4.9
        if command.changed_since is not None or (selected.condstore and Item.FLAGS in command.items):
            add += (Item.MODSEQ,)  # RFC 7162 §3.1.4.1, §3.2
        self.plan = compile_items(command.items, add)
        told = (Item.FLAGS, Item.MODSEQ) if selected.condstore else (Item.FLAGS,)
        self.with_flags = compile_items(command.items, (*add, *told))
        self.missing = 0

    async def write(self, spans: Spans) -> int:
        """How many messages were not there any more."""
        session, selected, plan = self.session, self.selected, self.plan
        if not plan.want and not plan.sets_seen:
            for number, step in enumerate(steps(spans, 1024)):
                if number:
                    await session.turn()
                await self._page(positions_of(step), ())
                await session.drained()
            return self.missing
        limit = page_size(plan.want)
        multiple = len(spans) > 1 or (bool(spans) and spans[0][1] - spans[0][0] > limit)
        for step in steps(spans, limit):
            total = expected = sum([stop - start for start, stop in step])
            async for rows in pages(selected.mail, selected.mailbox_id, selected.uid_ranges(step), plan.want, limit):
                if len(rows) == total:
                    await self._page(positions_of(step), rows)
                else:
                    await self._page([selected.position_of(row.uid) for row in rows], rows)
                expected -= len(rows)
                if multiple:
                    await session.turn()
                await session.drained()
            self.missing += expected
        return self.missing

    async def _page(self, positions: Sequence[int], rows: Sequence[MessageRow]) -> None:
        selected, plan = self.selected, self.plan
        positions, rows, masks = self._still_there(positions, rows)
        if plan.sets_seen and not selected.read_only:
            unseen = [i for i, mask in zip(positions, masks, strict=True) if not mask & SEEN]
            if unseen:
                await self._set_seen(unseen)
                plan = self.with_flags
                positions, rows, masks = self._still_there(positions, rows)
        self.session.send(selected.new_keywords())
        batch = self._batch(positions, masks, rows, plan)
        if plan.is_whole(rows):
            self.session.send(b"".join(plan.lines(batch)))
        elif plan.sections:
            self.missing += await write_sections(self.session, selected.mail, plan, batch)
        else:
            self.session.send(b"".join(plan.heads(batch)))

    def _still_there(
        self, positions: Sequence[int], rows: Sequence[MessageRow]
    ) -> tuple[Sequence[int], Sequence[MessageRow], list[int]]:
        """Without what was expunged since it was named or read, and the flags of each."""
        masks = self.selected.masks_at(positions)
        if -1 in masks:
            there = [i for i, mask in enumerate(masks) if mask >= 0]
            self.missing += len(masks) - len(there)
            positions = [positions[i] for i in there]
            rows = [rows[i] for i in there] if rows else rows
            masks = [masks[i] for i in there]
        return positions, rows, masks

    def _batch(self, positions: Sequence[int], masks: Sequence[int], rows: Sequence[MessageRow], plan: Plan) -> Batch:
        selected = self.selected
        uids = selected.uids
        if isinstance(positions, range):
            numbers: Sequence[int] = range(positions.start + 1, positions.stop + 1)
            named: Sequence[int] = uids[positions.start : positions.stop]
        else:
            numbers = [i + 1 for i in positions]
            named = [uids[i] for i in positions]
        modseqs = selected.modseqs_at(positions) if plan.tells_modseq else ()
        return Batch(numbers, named, masks, modseqs, selected.texts(), rows)

    async def _set_seen(self, unseen: Sequence[int]) -> None:
        selected = self.selected
        ranges = selected.ranges_at(unseen)
        done = await set_seen(selected.mail, selected.mailbox_id, ranges, self.session)
        selected.was_told(done.modseq, ranges)
