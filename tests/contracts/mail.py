"""Mail: one account driven by hand, so that contract tests read as what they say."""

from collections.abc import Iterator, Sequence

from mailserverd.interfaces.mail_store import (
    AccountMail,
    Add,
    Committed,
    MailStore,
    Op,
    Placed,
    PutMailbox,
    SetFlags,
)
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import Change, Kinds
from mailserverd.model.flags import names_of
from mailserverd.model.identifiers import AccountId, BlobId, EmailId, MailboxId, ModSeq, Uid
from mailserverd.model.mailbox import AccountState, MailboxRow
from mailserverd.model.message import (
    BlobSegment,
    Fields,
    InlineSegment,
    MessageRow,
    NewMessage,
    Segment,
    SortKeys,
    ThreadKeys,
)
from tests.contracts.loop import Loop

ALL = ((1, 0xFFFFFFFF),)


def octets_of(n: int, body_octets: int = 40) -> bytes:
    """A message like no other."""
    body = (b"body of %d " % n * (body_octets // 10 + 1))[:body_octets]
    return b"Message-ID: <%d@example.org>\r\nSubject: number %d\r\n\r\n" % (n, n) + body + b"\r\n"


def message_of(
    octets: bytes, segments: tuple[Segment, ...] | None = None, references: tuple[bytes, ...] = ()
) -> NewMessage:
    """A NewMessage whose fields are all different from each other."""
    header = octets[: octets.find(b"\r\n\r\n") + 4]
    message_id = octets.partition(b"<")[2].partition(b">")[0]
    return NewMessage(
        size=len(octets),
        header=header,
        header_index=b"header index of " + message_id,
        part_map=b"part map of " + message_id,
        envelope=b'("envelope of %b")' % message_id,
        body_structure=b'("structure of %b")' % message_id,
        preview=b"preview of " + message_id,
        has_attachment=False,
        sort_keys=SortKeys(b"number", 1_700_000_000, b"from", b"to", b"cc", b"From", b"To"),
        thread_keys=ThreadKeys(message_id, references, b"subject of " + message_id, False),
        segments=segments if segments is not None else (InlineSegment(octets),),
    )


def blob_segment(blob_id: BlobId, length: int) -> BlobSegment:
    return BlobSegment(blob_id, length, 0, False)


class Mail:
    """account: the AccountMail itself, for what is not here."""

    def __init__(self, loop: Loop, store: MailStore, account_id: int = 7) -> None:
        self.loop = loop
        self.account: AccountMail = loop.run(store.open(AccountId(account_id)))
        self.inbox = next(row.mailbox_id for row in self.mailboxes() if row.name == "INBOX")

    def commit(self, *ops: Op, key: bytes | None = None, if_modseq: int | None = None) -> Committed:
        wish = None if if_modseq is None else ModSeq(if_modseq)
        return self.loop.run(self.account.commit(ops, idempotency_key=key, if_modseq=wish))

    def add(self, n: int, *flags: str, mailbox_id: int | None = None, key: bytes | None = None) -> Placed:
        target = MailboxId(mailbox_id or self.inbox)
        return (
            self.commit(Add(target, message_of(octets_of(n)), flags, 1_600_000_000 + n, 60), key=key)
            .results[0]
            .placed[0]
        )

    def create(self, name: str, **others: tuple[str, ...]) -> MailboxId:
        made = self.commit(PutMailbox(None, name, others.get("special_use"))).results[0].mailbox_id
        assert made is not None
        return made

    def set_flags(self, uids: Sequence[int], how: str, *flags: str, since: int | None = None) -> Committed:
        ranges = tuple((uid, uid) for uid in sorted(uids))
        return self.commit(SetFlags(self.inbox, ranges, how, flags, None if since is None else ModSeq(since)))

    def state(self) -> AccountState:
        return self.loop.run(self.account.state())

    def mailboxes(self) -> list[MailboxRow]:
        return self.loop.run(self.account.mailboxes())

    def row(self, mailbox_id: int | None = None) -> MailboxRow:
        return next(row for row in self.mailboxes() if row.mailbox_id == (mailbox_id or self.inbox))

    def names(self) -> list[str]:
        return [row.name for row in self.mailboxes()]

    def index(self, mailbox_id: int | None = None) -> MailboxIndex:
        return self.loop.run(self.account.index(MailboxId(mailbox_id or self.inbox)))

    def uids(self, mailbox_id: int | None = None) -> list[int]:
        return list(self.index(mailbox_id).uids)

    def flags(self, uid: int, mailbox_id: int | None = None) -> set[str]:
        index = self.index(mailbox_id)
        return set(names_of(index.masks[index.position_of(uid)], index.row.keywords))

    def modseq(self, uid: int, mailbox_id: int | None = None) -> int:
        index = self.index(mailbox_id)
        return index.modseqs[index.position_of(uid)]

    def rows(
        self, mailbox_id: int | None = None, uids: Sequence[tuple[int, int]] = ALL, want: Fields = Fields.META
    ) -> list[MessageRow]:
        """All pages of it, a few rows at a time."""
        rows: list[MessageRow] = []
        low: int | None = 1
        while low is not None:
            left = [(max(low, first), last) for first, last in uids if last >= low]
            page = self.loop.run(self.account.rows(MailboxId(mailbox_id or self.inbox), left, want, 7))
            assert len(page.rows) <= 7
            rows.extend(page.rows)
            low = page.next_uid
        return rows

    def pages(self, want: Fields, limit: int) -> Iterator[list[MessageRow]]:
        low: int | None = 1
        while low is not None:
            page = self.loop.run(self.account.rows(self.inbox, ((low, 0xFFFFFFFF),), want, limit))
            yield list(page.rows)
            low = page.next_uid

    def octets(self, email_id: bytes, start: int = 0, stop: int = 1 << 20) -> bytes:
        return self.loop.run(self.account.octets(EmailId(email_id), start, stop))

    def by_id(self, *ids: bytes) -> dict[EmailId, tuple[tuple[MailboxId, MessageRow], ...]]:
        return self.loop.run(self.account.by_id([EmailId(one) for one in ids], Fields.META))

    def changes(self, since: int, limit: int = 1000, kinds: Kinds = Kinds.MESSAGES | Kinds.MAILBOXES) -> list[Change]:
        """All pages of it."""
        found: list[Change] = []
        more = True
        while more:
            page = self.loop.run(self.account.changes(ModSeq(since), kinds, limit))
            found.extend(page.changes)
            more = page.more
            if more:
                assert page.changes, "a page with more to come is never empty"
                assert page.changes[-1].modseq > since
                since = page.changes[-1].modseq
        return found

    def expunged(self, since: int, mailbox_id: int | None = None) -> list[int]:
        ranges = self.loop.run(self.account.expunged(MailboxId(mailbox_id or self.inbox), ModSeq(since)))
        return [Uid(uid) for low, high in ranges for uid in range(low, high + 1)]
