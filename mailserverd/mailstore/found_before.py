"""What searches of a mailbox found before, so that the same question asked again reads only what came since.

Standing rules: remembered is only what can never change with a message (its octets, its dates, its size; no flag, no
thread), and only where every message up to a UID was judged; UIDs are never used again, so an answer stays true;
memory is bounded for each mailbox and goes with its index.
"""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.search_query import (
    And,
    BodyHas,
    EmailIdIs,
    HeaderHas,
    InternalDateIn,
    Not,
    Or,
    SaveDateIn,
    SearchQuery,
    SentDateIn,
    SizeIn,
    TextHas,
)

MAX_QUESTIONS = 4
MAX_FOUND = 2_048
_MAX_WEIGHT = 512


class Known(NamedTuple):
    """found: UIDs that match among all those up to `last`; some may be expunged since."""

    last: int
    found: Sequence[int]


NOTHING = Known(0, ())


def known(index: MailboxIndex, query: SearchQuery) -> Known:
    """NOTHING where nobody asked before."""
    if index.searched is None:
        return NOTHING
    return Known(*index.searched.get(query, NOTHING))


def remember(index: MailboxIndex, query: SearchQuery, last: int, found: Sequence[int]) -> None:
    """Every message up to the UID `last` was judged: `found` match."""
    if len(found) > MAX_FOUND or _weight(query) > _MAX_WEIGHT:
        return
    searched = index.searched
    if searched is None:
        searched = index.searched = {}
    if last < searched.get(query, NOTHING)[0]:  # asked twice at once, and the other saw more
        return
    searched.pop(query, None)  # the newest stand last
    while len(searched) >= MAX_QUESTIONS:
        del searched[next(iter(searched))]
    searched[query] = last, array("I", found)


def lasts(query: SearchQuery) -> bool:
    """Whether a message that matches once matches always."""
    if isinstance(query, And | Or):
        return all(map(lasts, query.parts))
    if isinstance(query, Not):
        return lasts(query.part)
    return isinstance(
        query, HeaderHas | BodyHas | TextHas | SizeIn | InternalDateIn | SaveDateIn | SentDateIn | EmailIdIs
    )


def _weight(query: SearchQuery) -> int:
    """About how many octets remembering it takes."""
    if isinstance(query, And | Or):
        return sum(map(_weight, query.parts), 16)
    if isinstance(query, Not):
        return _weight(query.part) + 16
    if isinstance(query, HeaderHas):
        return len(query.name) + len(query.needle) + 16
    return len(query.needle) + 16 if isinstance(query, BodyHas | TextHas) else 16
