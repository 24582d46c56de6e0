"""Judging one mailbox of an account: its record, its counters, its state pages.

Standing rules: pure; `box` is the record as it should be, whether or not it was found so. A mailbox whose record is
lost comes back under another name with a UIDVALIDITY of its own, for nobody knows what its old UIDs meant.
"""

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from mailserverd.backends.lmdb.check_finding import ERROR, LOSS, Finding
from mailserverd.backends.lmdb.check_snapshot import Place, Snapshot
from mailserverd.backends.lmdb.keys import UID_VALIDITY, numbered
from mailserverd.backends.lmdb.records import MailboxRecord, encoded
from mailserverd.backends.lmdb.state_pages import PAGE_MESSAGES, Page
from mailserverd.model.flags import DELETED, KEYWORD_SHIFT, SEEN
from mailserverd.model.mailbox import INBOX

_COUNTERS = ("messages", "unseen", "deleted", "octets", "deleted_octets")


class MailboxCheck:
    """rows: of the whole account, as they will be after repairs. validity: the highest UIDVALIDITY given out."""

    def __init__(
        self, snapshot: Snapshot, number: int, rows: dict[Place, tuple[bytes, bytes, int]], validity: int
    ) -> None:
        self._found = snapshot
        self._number = number
        self._pages = snapshot.pages.get(number, [])
        self._sizes = {uid: size for (box, uid), (_, _, size) in rows.items() if box == number}
        self._validity = validity
        self._wrong: list[str] = []
        stored = snapshot.boxes.get(number)
        self.box = msgspec.structs.replace(stored) if stored is not None else self._recovered()
        self._extra: tuple[tuple[bytes, bytes], ...] = ()

    def findings(self) -> Iterator[Finding]:
        states = self._states()
        damaged = self._page_problems()
        if self._number not in self._found.boxes:
            self._wrong.append("it is missing or unreadable")
            self.box.uid_validity = self._validity + 1 + self._number
            self._extra = ((UID_VALIDITY, self.box.uid_validity.to_bytes(4)),)
        elif self.box.mailbox_id != self._number:
            self._wrong.append(f"it calls itself {self.box.mailbox_id}")
            self.box.mailbox_id = self._number
        for lost in self._lost_messages(states):
            yield lost
            damaged.append("they name messages that are not there")
        for uid in self._sizes.keys() - states.keys():
            states[uid] = (0, self.box.highest_modseq + 1)
            damaged.append(f"message {uid} has no flags")
        states = {uid: states[uid] for uid in sorted(states) if uid in self._sizes}
        self._bounds(states)
        self._count(states)
        if damaged:
            yield self._page_repair(damaged, states)
        if self._wrong:
            key = self._found.prefix + b"m" + self._number.to_bytes(4)
            what = f"mailbox {self._number} ({self.box.name}): " + "; ".join(self._wrong)
            puts = ((key, encoded(self.box)), *self._extra)
            yield Finding(ERROR, self._found.account_id, what, puts)

    def _recovered(self) -> MailboxRecord:
        inbox_is_there = any(box.name == INBOX for box in self._found.boxes.values())
        name = INBOX if self._number == 1 and not inbox_is_there else f"Recovered-{self._number}"
        used = 0
        for page in self._pages:
            for mask in page.masks:
                used |= mask
        words = tuple(f"recovered-{i}" for i in range((used >> KEYWORD_SHIFT).bit_length()))
        return MailboxRecord(self._number, name, 0, 1, 0, 0, 0, 0, 0, 0, 1, words, (), True, 0)

    # State pages

    def _states(self) -> dict[int, tuple[int, int]]:
        return {
            uid: (mask, modseq)
            for page in self._pages
            for uid, mask, modseq in zip(page.uids, page.masks, page.modseqs, strict=True)
        }

    def _page_problems(self) -> list[str]:
        wrong: list[str] = []
        last = 0
        for page in self._pages:
            first = int.from_bytes(page.key[-4:])
            if not 0 < len(page.uids) <= PAGE_MESSAGES:
                wrong.append(f"the page of {first} holds {len(page.uids)} messages")
            elif page.uids[0] < first or first <= last or any(a >= b for a, b in pairwise(page.uids)):
                wrong.append(f"the page of {first} is out of order")
            last = max(last, page.uids[-1] if page.uids else 0)
        tail = int.from_bytes(self._pages[-1].key[-4:]) if self._pages else 0
        if self.box.tail_page not in (0, tail):
            wrong.append(f"the last page is that of {tail}, not of {self.box.tail_page}")
        unreadable = [key for key in self._found.unreadable if key.startswith(self._kind())]
        if unreadable:
            wrong.append(f"{len(unreadable)} pages are unreadable")
        return wrong

    def _kind(self) -> bytes:
        return self._found.prefix + b"s" + self._number.to_bytes(4)

    def _lost_messages(self, states: dict[int, tuple[int, int]]) -> Iterator[Finding]:
        for uid in sorted(states.keys() - self._sizes.keys()):
            what = f"message {uid} of mailbox {self._number} has flags, but neither row nor placement"
            yield Finding(LOSS, self._found.account_id, what, what_to_do="restore the account from a backup")

    def _page_repair(self, damaged: list[str], states: dict[int, tuple[int, int]]) -> Finding:
        what = f"state pages of mailbox {self._number}: " + "; ".join(list(dict.fromkeys(damaged))[:10])
        puts = self._pages_of(states)
        if self.box.tail_page != (tail := int.from_bytes(puts[-1][0][-4:]) if puts else 0):
            self.box.tail_page = tail
            self._wrong.append("its last page has changed")
        return Finding(ERROR, self._found.account_id, what, puts, tuple(page.key for page in self._pages))

    def _pages_of(self, states: dict[int, tuple[int, int]]) -> tuple[tuple[bytes, bytes], ...]:
        uids, puts = list(states), []
        for at in range(0, len(uids), PAGE_MESSAGES):
            part = uids[at : at + PAGE_MESSAGES]
            page = Page(numbered(self._found.prefix, b"s", self._number, part[0]), b"")
            page.uids.extend(part)
            page.masks.extend([states[uid][0] for uid in part])
            page.modseqs.extend([states[uid][1] for uid in part])
            puts.append((page.key, page.encoded()))
        return tuple(puts)

    # The record

    def _bounds(self, states: dict[int, tuple[int, int]]) -> None:
        box = self.box
        highest_uid = max(states, default=0)
        if box.uid_next <= highest_uid:
            self._wrong.append(f"uid {highest_uid} would be given out again")
            box.uid_next = highest_uid + 1
        modseq = max((modseq for _, modseq in states.values()), default=0)
        if box.highest_modseq < modseq:
            self._wrong.append(f"highest modseq is {box.highest_modseq}, a message has {modseq}")
            box.highest_modseq = modseq
        if box.recent_from > box.uid_next:
            self._wrong.append("recent messages begin above all messages")
            box.recent_from = box.uid_next

    def _count(self, states: dict[int, tuple[int, int]]) -> None:
        deleted = [uid for uid, (mask, _) in states.items() if mask & DELETED]
        right = (
            len(states),
            sum(1 for mask, _ in states.values() if not mask & SEEN),
            len(deleted),
            sum(self._sizes[uid] for uid in states),
            sum(self._sizes[uid] for uid in deleted),
        )
        for name, value in zip(_COUNTERS, right, strict=True):
            if getattr(self.box, name) != value:
                self._wrong.append(f"{name} is {getattr(self.box, name)}, not {value}")
                setattr(self.box, name, value)
