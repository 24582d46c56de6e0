"""The search keys that the packed index answers: flags, uids, modseqs, and what is built of them.

Standing rules: one pass over an array for a key, no call per message; other sessions have their turn between keys.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Sequence

from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.flags import mask_of
from mailserverd.model.search_query import (
    And,
    Everything,
    HasFlags,
    ModSeqAtLeast,
    Not,
    Or,
    RecentFrom,
    SearchQuery,
    UidIn,
)

Turn = Callable[[], Awaitable[None]]
"""Awaited between pages, so that other sessions are served."""


class IndexView:
    """The index as a session counts it: masks and modseqs by the positions of its own uids array.

    there: positions of the messages that are not expunged.
    """

    __slots__ = ("count", "keywords", "masks", "modseqs", "there", "uids", "uids_then")

    def __init__(self, index: MailboxIndex, uids: "array[int]", count: int) -> None:
        self.uids = uids
        self.count = count
        self.uids_then = index.uids
        self.keywords = index.row.keywords
        self.there: Sequence[int] = range(count)
        self.masks: Sequence[int] = index.masks
        self.modseqs: Sequence[int] = index.modseqs
        if index.uids is not uids:
            self._line_up(index)

    def _line_up(self, index: MailboxIndex) -> None:
        """An expunge is not told yet: number what is left as the session does."""
        places = [index.position_of(uid) for uid in self.uids[: self.count]]
        self.there = [i for i, place in enumerate(places) if place >= 0]
        self.masks = [index.masks[place] if place >= 0 else 0 for place in places]
        self.modseqs = [index.modseqs[place] if place >= 0 else 0 for place in places]


def needs_only_index(query: SearchQuery) -> bool:
    if isinstance(query, Not):
        return needs_only_index(query.part)
    if isinstance(query, And | Or):
        return all(map(needs_only_index, query.parts))
    return isinstance(query, Everything | UidIn | HasFlags | RecentFrom | ModSeqAtLeast)


async def index_part(query: SearchQuery, view: IndexView, among: Sequence[int], turn: Turn) -> Sequence[int]:
    """Those of `among` (ascending positions) that match; ascending."""
    await turn()
    if isinstance(query, Everything):
        return among
    if isinstance(query, HasFlags):
        return _by_flags(query, view, among)
    if isinstance(query, UidIn):
        return _by_uid(query.ranges, view, among)
    if isinstance(query, RecentFrom):
        return _by_uid(((query.uid, 0xFFFFFFFF),), view, among)
    if isinstance(query, ModSeqAtLeast):
        modseqs, least = view.modseqs, query.modseq
        return [i for i in among if modseqs[i] >= least]
    if isinstance(query, Not):
        out = set(await index_part(query.part, view, among, turn))
        return [i for i in among if i not in out]
    if isinstance(query, And):
        for part in query.parts:
            among = await index_part(part, view, among, turn)
        return among
    assert isinstance(query, Or)
    return await _any_of(query.parts, view, among, turn)


async def _any_of(parts: Sequence[SearchQuery], view: IndexView, among: Sequence[int], turn: Turn) -> Sequence[int]:
    """Each part is asked only of what no part before it has: what ORs within ORs hold is together no more than that."""
    hits: set[int] = set()
    left = among
    for part in parts:
        found = await index_part(part, view, left, turn)
        if len(found) == len(left):
            return among
        if found:
            hits.update(found)
            left = [i for i in left if i not in hits]
    return [i for i in among if i in hits]


def flags_match(query: HasFlags, mask: int, keywords: tuple[str, ...]) -> bool:
    wanted, unknown = mask_of(query.flags, keywords)
    if query.present:
        return not unknown and mask & wanted == wanted
    return not mask & wanted


def _by_flags(query: HasFlags, view: IndexView, among: Sequence[int]) -> Sequence[int]:
    wanted, unknown = mask_of(query.flags, view.keywords)
    masks = view.masks
    if query.present:
        if unknown:
            return []
        if among == range(view.count):
            return [i for i, mask in zip(among, masks, strict=False) if mask & wanted == wanted]
        return [i for i in among if masks[i] & wanted == wanted]
    if not wanted:
        return among
    if among == range(view.count):
        return [i for i, mask in zip(among, masks, strict=False) if not mask & wanted]
    return [i for i in among if not masks[i] & wanted]


def _by_uid(ranges: Sequence[tuple[int, int]], view: IndexView, among: Sequence[int]) -> Sequence[int]:
    """By bisection twice a range: ranges are few, messages many."""
    hits: list[int] = []
    for low, high in ranges:
        start = bisect_left(view.uids, low, 0, view.count)
        stop = bisect_right(view.uids, high, start, view.count)
        hits += among[bisect_left(among, start) : bisect_left(among, stop)]
    return hits
