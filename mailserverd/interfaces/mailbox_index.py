"""MailboxIndex: uid, flags and modseq of every message of one mailbox, packed and shared by all its sessions.

Only the store's owner of the account changes an index, in the reactor thread, after the commit it mirrors.
Readers hold `uids` (the array object) and a length: appends extend the same arrays, so positions below the
length stay true; an expunge replaces all three arrays by new ones, so that a reader that has not yet told
its client of the expunge still has the old array to count sequence numbers by (RFC 9051 §7.5.1).
"""

from array import array
from bisect import bisect_left
from collections import deque

from mailserverd.model.changes import Change
from mailserverd.model.mailbox import MailboxRow
from mailserverd.model.search_query import SearchQuery

LOGGED_UIDS = 65_536


class MailboxIndex:
    """row: the mailbox with its counters, as of the newest change. gone: it was deleted.

    first_unseen: what SELECT remembers, (log position it held at, uid or 0). recent_claimed: messages with a lower uid
    were announced as \\Recent to a session that is open, ahead of row.recent_from. Both are imap/'s to keep.
    searched: (highest UID judged, UIDs that match) of questions asked before; mailstore/found_before keeps it.
    uids ("I"), masks ("Q", see model/flags.py) and modseqs ("Q") run in parallel, ascending by uid.
    """

    __slots__ = (
        "__weakref__",
        "_first",
        "_log",
        "_logged_uids",
        "first_unseen",
        "gone",
        "masks",
        "modseqs",
        "recent_claimed",
        "row",
        "searched",
        "uids",
    )

    def __init__(self, row: MailboxRow, uids: "array[int]", masks: "array[int]", modseqs: "array[int]") -> None:
        self.row = row
        self.uids = uids
        self.masks = masks
        self.modseqs = modseqs
        self.gone = False
        self.first_unseen: tuple[int, int] | None = None
        self.recent_claimed = 0
        self.searched: dict[SearchQuery, tuple[int, array[int]]] | None = None
        self._log: deque[Change] = deque()
        self._first = 0
        self._logged_uids = 0

    def position_of(self, uid: int) -> int:
        """Where `uid` stands in the arrays; -1 when it is not there."""
        uids = self.uids
        i = bisect_left(uids, uid)
        return i if i < len(uids) and uids[i] == uid else -1

    @property
    def position(self) -> int:
        """The end of the log of recent changes: give it to changes_after later."""
        return self._first + len(self._log)

    def changes_after(self, position: int) -> list[Change] | None:
        """What happened to this mailbox since `position`, oldest first; None when that is too long ago to say:
        compare the arrays instead (modseqs above the last one seen; uids that are no longer there)."""
        skip = position - self._first
        if skip < 0:
            return None
        if skip == len(self._log):
            return []
        return [self._log[i] for i in range(skip, len(self._log))]

    def log(self, change: Change) -> None:
        """For the store: remember a change for sessions; memory is bounded by LOGGED_UIDS message numbers."""
        self._log.append(change)
        self._logged_uids += len(change.uids) + 1
        while self._logged_uids > LOGGED_UIDS:
            self._logged_uids -= len(self._log.popleft().uids) + 1
            self._first += 1
