"""One inbox as POP3 sees it: the messages that were there at the login, numbered from 1.

Standing rules: numbers never change within a session, whatever IMAP does meanwhile; UIDL is UIDVALIDITY.UID, which
never changes nor comes again; a deletion is a mark here until commit(); reading ahead is bounded in octets.
"""

from array import array
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.mailstore.expunge import remove
from mailserverd.mailstore.mailboxes import find
from mailserverd.model.errors import NotFound
from mailserverd.model.identifiers import EmailId
from mailserverd.model.mailbox import INBOX
from mailserverd.model.message import INLINE_READ_OCTETS, Fields, MessageRow
from mailserverd.model.number_ranges import ranges_of
from mailserverd.wire.pop3 import reply

_PAGE_ROWS = 2048
AHEAD_OCTETS = 512 * 1024
AHEAD_MESSAGES = 32


class Large:
    """A message that is too large to be read in one piece."""

    __slots__ = ("email_id", "size")

    def __init__(self, row: MessageRow) -> None:
        self.email_id: EmailId = row.email_id
        self.size = row.size


class Maildrop:
    """breathe: gives other sessions a turn of the reactor."""

    __slots__ = (
        "_ahead",
        "_breathe",
        "_index",
        "_last",
        "_mailbox_id",
        "_octets",
        "_run",
        "_sizes",
        "_uids",
        "_validity",
        "count",
        "deleted",
        "mail",
    )

    def __init__(self, mail: AccountMail, index: MailboxIndex, breathe: Callable[[], Deferred[Any]]) -> None:
        self.mail = mail
        self._index = index  # held, so that it stays the shared one
        self._mailbox_id = index.row.mailbox_id
        self._validity = index.row.uid_validity
        self._uids = index.uids  # grows at its end, is replaced at an expunge: what is below `count` stays
        self._octets = index.row.octets
        self.count = len(index.uids)
        self.deleted: set[int] = set()
        self._sizes: array[int] | None = None
        self._breathe = breathe
        self._ahead: dict[int, bytes | Large] = {}
        self._last = 0
        self._run = 1

    @classmethod
    async def open(cls, mail: AccountMail, breathe: Callable[[], Deferred[Any]]) -> "Maildrop":
        inbox = await find(mail, INBOX)
        return cls(mail, await mail.index(inbox.mailbox_id), breathe)

    def has(self, number: int) -> bool:
        return 0 < number <= self.count and number not in self.deleted

    # Numbers

    def uidl(self, number: int) -> bytes:
        return b"%d.%d" % (self._validity, self._uids[number - 1])

    def uidl_lines(self) -> list[bytes]:
        validity = self._validity
        numbered = enumerate(self._uids[: self.count], 1)
        if not self.deleted:
            return [b"%d %d.%d" % (number, validity, uid) for number, uid in numbered]
        return [b"%d %d.%d" % (number, validity, uid) for number, uid in numbered if number not in self.deleted]

    async def size_lines(self) -> list[bytes]:
        sizes = await self.sizes()
        if not self.deleted:
            return [b"%d %d" % numbered for numbered in enumerate(sizes, 1)]
        return [b"%d %d" % numbered for numbered in enumerate(sizes, 1) if numbered[0] not in self.deleted]

    async def size(self, number: int) -> int:
        return (await self.sizes())[number - 1]

    async def total(self) -> tuple[int, int]:
        """How many messages, and their octets: those that are not deleted."""
        if not self.deleted and self._sizes is None:
            return self.count, self._octets
        sizes = await self.sizes()
        return self.count - len(self.deleted), sum(sizes) - sum(sizes[number - 1] for number in self.deleted)

    async def sizes(self) -> "array[int]":
        """The size of each message; 0 for one that IMAP removed since the login."""
        if self._sizes is not None:
            return self._sizes
        found: dict[int, int] = {}
        low, high = (self._uids[0], self._uids[self.count - 1]) if self.count else (1, 0)
        while low <= high:
            page = await self.mail.rows(self._mailbox_id, [(low, high)], Fields.META, _PAGE_ROWS)
            for row in page.rows:
                found[row.uid] = row.size
            if page.next_uid is None:
                break
            low = page.next_uid
            await self._breathe()
        self._sizes = array("Q", [found.get(uid, 0) for uid in self._uids[: self.count]])
        return self._sizes

    # Messages

    def held_octets(self) -> int:
        """Of messages that were read ahead."""
        return sum(len(each) for each in self._ahead.values() if isinstance(each, bytes))

    def ready(self, number: int) -> bytes | Large | None:
        """What was read ahead of this message, if anything: the whole reply, or where to find it."""
        found = self._ahead.pop(number, None)
        if found is not None:
            self._last = number
        return found

    async def read(self, number: int) -> bytes | Large:
        """The reply to RETR, or where to find a large message. Raises NotFound when IMAP removed it meanwhile."""
        await self._read_ahead(number)
        found = self._ahead.pop(number, None)
        if found is None:
            raise NotFound("the message was removed by another session")
        return found

    async def _read_ahead(self, number: int) -> None:
        """A client that goes in order gets more read at a time; one that jumps about gets what it asks for."""
        self._run = min(self._run * 4, AHEAD_MESSAGES) if number == self._last + 1 else 1
        self._last = number
        self._ahead.clear()
        uids = self._uids
        stop = min(number + self._bounded_run(), self.count + 1)
        numbers = [each for each in range(number, stop) if each not in self.deleted]
        wanted = {uids[each - 1]: each for each in numbers}
        ranges = ranges_of([uids[each - 1] for each in numbers])
        page = await self.mail.rows(self._mailbox_id, ranges, Fields.OCTETS, len(numbers))
        for row in page.rows:
            self._ahead[wanted[row.uid]] = Large(row) if row.octets is None else reply.message(row.octets)

    def _bounded_run(self) -> int:
        """How many messages fit into AHEAD_OCTETS, by their sizes where we know them, else by their average."""
        if self._sizes is None:
            average = self._octets // self.count if self.count else 0
            return max(1, min(self._run, AHEAD_OCTETS // (average or 1), AHEAD_OCTETS // INLINE_READ_OCTETS * 4))
        return self._run_by_size(self._sizes)

    def _run_by_size(self, sizes: "array[int]") -> int:
        octets = taken = 0
        for size in sizes[self._last - 1 : self._last - 1 + self._run]:
            octets += min(size, INLINE_READ_OCTETS)
            if octets > AHEAD_OCTETS:
                break
            taken += 1
        return max(1, taken)

    async def row(self, number: int, want: Fields) -> MessageRow:
        """Raises NotFound."""
        uid = self._uids[number - 1]
        page = await self.mail.rows(self._mailbox_id, [(uid, uid)], want, 1)
        if not page.rows:
            raise NotFound("the message was removed by another session")
        return page.rows[0]

    # Deleting

    def delete(self, number: int) -> None:
        self.deleted.add(number)
        self._ahead.pop(number, None)

    async def commit(self, origin: object) -> None:
        """Remove what is marked, in one commit. Raises StoreError, and then nothing was removed."""
        ranges = ranges_of([self._uids[number - 1] for number in sorted(self.deleted)])
        await remove(self.mail, self._mailbox_id, ranges, origin)
        self.deleted.clear()
