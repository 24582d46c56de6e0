"""The number of the first message without \\Seen, which every SELECT tells (RFC 3501 §6.3.1).

Standing rule: the mailbox is scanned once; after that the answer follows the log of changes.
"""

from bisect import bisect_left

from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import What
from mailserverd.model.flags import SEEN


def first_unseen(index: MailboxIndex) -> int:
    """0: every message is seen."""
    if not index.row.unseen:
        index.first_unseen = (index.position, index.row.uid_next)
        return 0
    start = _scan_from(index)
    masks, uids = index.masks, index.uids
    for position in range(start, len(masks)):
        if not masks[position] & SEEN:
            index.first_unseen = (index.position, uids[position])
            return position + 1
    return 0


def _scan_from(index: MailboxIndex) -> int:
    """The position below which all is known to be seen."""
    if index.first_unseen is None:
        return 0
    position, uid = index.first_unseen
    changes = index.changes_after(position)
    if changes is None:
        return 0
    for change in changes:
        if change.what is What.FLAGS and change.uids:
            uid = min(uid, *change.uids)
    return bisect_left(index.uids, uid)
