"""Which messages of a mailbox a SearchQuery means: the index first, then rows, then text, the cheap before the dear.

Standing rules: three answers are possible before everything is read, True, False and None (not known yet), and only
messages at None go on to the next stage; a stage gives the reactor a turn after every page; of large messages one at a
time is in memory, for all searches there are, and judged off the reactor's thread; what is expunged while it runs is
not found.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.mailstore.find_index import IndexView, Turn, index_part, needs_only_index
from mailserverd.mailstore.find_limits import SearchLimits, Work, check_texts
from mailserverd.mailstore.find_verdict import compiled, seen_row, seen_whole, wanted_fields
from mailserverd.mailstore.found_before import known, lasts, remember
from mailserverd.mailstore.read import PAGE_BODIES, PAGE_ROWS, Range, pages, read
from mailserverd.model.errors import Damaged, LimitReached, NotFound
from mailserverd.model.identifiers import MailboxId
from mailserverd.model.message import Fields, MessageRow
from mailserverd.model.number_ranges import ranges_of
from mailserverd.model.search_query import And, Not, Or, SearchQuery

MAX_SCANNED_OCTETS = 33_554_432  # of one message; what lies beyond is not looked at
LONG_HEADER_OCTETS = 16_384  # others have their turn after a message with such a header, or with so much to it
MANY_KEYS = 16  # or with so much asked of it


class Apart(Protocol):
    """Reads one large message, then runs a function of its octets off the reactor's thread; one at a time."""

    async def run(self, read: Callable[[], Awaitable[bytes]], work: Callable[[bytes], bool]) -> bool: ...


async def find(
    mail: AccountMail,
    index: MailboxIndex,
    uids: "array[int]",
    count: int,
    query: SearchQuery,
    turn: Turn,
    apart: Apart,
    limits: SearchLimits,
) -> list[int]:
    """Ascending positions in uids[:count] of the messages that match and are still there. Raises LimitReached."""
    check_texts(query, limits)
    work = Work(turn, limits)
    view = IndexView(index, uids, count)
    parts = query.parts if isinstance(query, And) else (query,)
    hits = view.there
    for part in parts:
        if needs_only_index(part):
            hits = await index_part(part, view, hits, work.turn)
    rest = tuple(part for part in parts if not needs_only_index(part))
    if rest and hits:
        left = rest[0] if len(rest) == 1 else And(rest)
        scan = _Scan(mail, index.row.mailbox_id, view, left, work, apart)
        hits = await (_what_is_new(scan, index, hits) if lasts(left) else scan.run(hits))
    if index.uids is not uids or view.uids_then is not index.uids:
        hits = [position for position in hits if index.position_of(uids[position]) >= 0]
    return list(hits)


async def _what_is_new(scan: "_Scan", index: MailboxIndex, among: Sequence[int]) -> list[int]:
    """Those of `among` that match, by what was found before and by reading the messages that came since."""
    view, query = scan.view, scan.query
    uids, count = view.uids, view.count
    whole, last = len(among) == len(view.there), uids[count - 1]
    before = known(index, query)
    if before.last:
        wanted = among if isinstance(among, range) else set(among)
        places = [(bisect_left(uids, uid, 0, count), uid) for uid in before.found]
        hits = [place for place, uid in places if place < count and uids[place] == uid and place in wanted]
        new = among[bisect_left(among, bisect_right(uids, before.last, 0, count)) :]
    else:
        hits, new = [], among
    try:
        new = await scan.run(new)
    except LimitReached:
        if whole and scan.judged_to > before.last:  # asked again, it goes on from there
            _keep(scan, index, scan.judged_to, before.found, scan.hits)
        raise
    if whole and last > before.last:
        _keep(scan, index, last, before.found, new)
    return hits + new


def _keep(scan: "_Scan", index: MailboxIndex, last: int, before: Sequence[int], new: Sequence[int]) -> None:
    if not scan.damaged:
        uids = scan.view.uids
        remember(index, scan.query, last, [*before, *[uids[place] for place in new]])


class _Scan:
    """The part of a query that needs rows, over the messages that are left. damaged: some could not be read.

    hits: what was found so far; judged_to: the last UID up to which all were judged.
    """

    def __init__(
        self, mail: AccountMail, mailbox_id: MailboxId, view: IndexView, query: SearchQuery, work: Work, apart: Apart
    ):
        self.mail = mail
        self.mailbox_id = mailbox_id
        self.view = view
        self.query = query
        self.work = work
        self.turn = work.turn
        self.apart = apart
        self.judge = compiled(query, view)
        self.want = wanted_fields(query)
        self.is_long = _keys(query) > MANY_KEYS
        self.damaged = False
        self.hits: list[int] = []
        self.judged_to = 0

    async def run(self, positions: Sequence[int]) -> list[int]:
        for start in range(0, len(positions), PAGE_ROWS):
            page = positions[start : start + PAGE_ROWS]
            self.hits += await self._page(page)
            self.judged_to = self.view.uids[page[-1]]
            await self.turn()
        return self.hits

    async def _page(self, positions: Sequence[int]) -> list[int]:
        hits, unknown = [], []
        judge, is_long = self.judge, self.is_long
        async for rows, places in self._rows(positions, self.want):
            for row in rows:
                position = places[row.uid]
                verdict = judge(seen_row(position, row))
                if verdict:
                    hits.append(position)
                elif verdict is None:
                    unknown.append(position)
                if is_long or len(row.header) > LONG_HEADER_OCTETS:
                    await self.turn()
        for start in range(0, len(unknown), PAGE_BODIES):
            hits += await self._bodies(unknown[start : start + PAGE_BODIES])
            await self.turn()
        return sorted(hits)

    async def _bodies(self, positions: list[int]) -> list[int]:
        hits = []
        async for rows, places in self._rows(positions, self.want | Fields.OCTETS | Fields.HEADER):
            for row in rows:
                position = places[row.uid]
                try:
                    if row.octets is not None:
                        matches = self._holds(position, row, row.octets)
                    else:
                        matches = await self._large(position, row)
                except NotFound:  # expunged meanwhile
                    continue
                except Damaged:  # its header is still searched; a fetch of it says what is wrong
                    self.damaged = True
                    matches = self._holds(position, row, b"")
                if matches:
                    hits.append(position)
                if self.is_long or row.size > LONG_HEADER_OCTETS:
                    await self.turn()
        return hits

    def _holds(self, position: int, row: MessageRow, octets: bytes) -> bool:
        return bool(self.judge(seen_whole(position, row, octets)))

    async def _large(self, position: int, row: MessageRow) -> bool:
        async def octets() -> bytes:
            return await read(self.mail, row, Range(0, min(row.size, MAX_SCANNED_OCTETS)))

        await self.turn()
        return await self.work.elsewhere(partial(self.apart.run, octets), partial(self._holds, position, row))

    async def _rows(
        self, positions: Sequence[int], want: Fields
    ) -> AsyncIterator[tuple[list[MessageRow], dict[int, int]]]:
        """The rows of those that are there still, a page at a time, and their positions by UID."""
        uids = self.view.uids
        places = {uids[position]: position for position in positions}
        async for rows in pages(self.mail, self.mailbox_id, ranges_of(list(places)), want, len(places)):
            yield rows, places


def _keys(query: SearchQuery) -> int:
    if isinstance(query, And | Or):
        return sum(map(_keys, query.parts))
    return _keys(query.part) if isinstance(query, Not) else 1
