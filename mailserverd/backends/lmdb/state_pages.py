"""State pages: uid, flags and modseq of up to 200 messages in three columns, little-endian: 4 + 8 + 8 octets each.

Standing rules: a page with its head stays within one database page (200 x 20 = 4,000 octets); the uid in its key is
not above its first uid and above every uid of the page before; an empty page is deleted.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from mailserverd.backends.lmdb.keys import numbered
from mailserverd.backends.lmdb.records import MailboxRecord
from mailserverd.backends.lmdb.step import Step

PAGE_MESSAGES = 200
MESSAGE_OCTETS = 20


class Page:
    __slots__ = ("key", "masks", "modseqs", "uids")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        n = len(value) // MESSAGE_OCTETS
        self.uids, self.masks, self.modseqs = array("I"), array("Q"), array("Q")
        self.uids.frombytes(value[: 4 * n])
        self.masks.frombytes(value[4 * n : 12 * n])
        self.modseqs.frombytes(value[12 * n :])

    def encoded(self) -> bytes:
        return self.uids.tobytes() + self.masks.tobytes() + self.modseqs.tobytes()


def append(
    step: Step, prefix: bytes, box: MailboxRecord, uids: Sequence[int], masks: Sequence[int], modseq: int
) -> None:
    """Put messages after all others of the mailbox."""
    if len(uids) == 1 and _append_one(step, prefix, box, uids[0], masks[0], modseq):
        return
    at = 0
    while at < len(uids):
        page = None
        if box.tail_page:
            key = numbered(prefix, b"s", box.mailbox_id, box.tail_page)
            value = step.get(key)
            if value is not None and len(value) < PAGE_MESSAGES * MESSAGE_OCTETS:
                page = Page(key, value)
        if page is None:
            box.tail_page = uids[at]
            page = Page(numbered(prefix, b"s", box.mailbox_id, uids[at]), b"")
        end = min(len(uids), at + PAGE_MESSAGES - len(page.uids))
        page.uids.extend(uids[at:end])
        page.masks.extend(masks[at:end])
        page.modseqs.extend([modseq] * (end - at))
        step.put(page.key, page.encoded())
        at = end


def _append_one(step: Step, prefix: bytes, box: MailboxRecord, uid: int, mask: int, modseq: int) -> bool:
    """Into the last page, where it has room: without taking it apart."""
    if not box.tail_page:
        return False
    key = numbered(prefix, b"s", box.mailbox_id, box.tail_page)
    value = step.get(key)
    if value is None or len(value) >= PAGE_MESSAGES * MESSAGE_OCTETS:
        return False
    n = len(value) // MESSAGE_OCTETS
    columns = (value[: 4 * n], uid.to_bytes(4, "little"), value[4 * n : 12 * n], mask.to_bytes(8, "little"))
    step.put(key, b"".join((*columns, value[12 * n :], modseq.to_bytes(8, "little"))))
    return True


def pages_in(step: Step, prefix: bytes, mailbox_id: int, first: int, last: int) -> Iterator[Page]:
    """The pages that may hold uids of [first, last], ascending; each may be changed and put before the next."""
    kind = prefix + b"s" + mailbox_id.to_bytes(4)
    start = step.floor(kind, kind + first.to_bytes(4))
    if start is not None:
        yield Page(*start)
    after = kind + first.to_bytes(4)
    while True:
        found = step.scan(kind, 16, after)
        for key, value in found:
            if int.from_bytes(key[-4:]) > last:
                return
            yield Page(key, value)
            after = key
        if len(found) < 16:
            return


def selected(
    step: Step, prefix: bytes, mailbox_id: int, ranges: Sequence[tuple[int, int]]
) -> Iterator[tuple[Page, list[int]]]:
    """The pages that hold uids of the ranges, with the positions of those, ascending."""
    if not ranges:
        return
    at = 0
    for page in pages_in(step, prefix, mailbox_id, ranges[0][0], ranges[-1][1]):
        if not page.uids:
            continue
        first, last = page.uids[0], page.uids[-1]
        while at < len(ranges) and ranges[at][1] < first:
            at += 1
        positions: list[int] = []
        i = at
        while i < len(ranges) and ranges[i][0] <= last:
            positions.extend(range(bisect_left(page.uids, ranges[i][0]), bisect_right(page.uids, ranges[i][1])))
            i += 1
        if positions:
            yield page, positions


def without(step: Step, prefix: bytes, box: MailboxRecord, page: Page, positions: Sequence[int]) -> None:
    """Take messages out of a page."""
    gone = set(positions)
    if len(gone) == len(page.uids):
        step.delete(page.key)
        if int.from_bytes(page.key[-4:]) == box.tail_page:
            box.tail_page = 0
        return
    keep = [i for i in range(len(page.uids)) if i not in gone]
    page.uids = array("I", [page.uids[i] for i in keep])
    page.masks = array("Q", [page.masks[i] for i in keep])
    page.modseqs = array("Q", [page.modseqs[i] for i in keep])
    step.put(page.key, page.encoded())
