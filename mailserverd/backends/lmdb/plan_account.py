"""AccountPlan: the records of one account that a commit reads and changes, and what every operation needs of them.

Standing rules: records are read once and put once, at the end; every change takes a MODSEQ of its own; nothing here
survives the run of the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailserverd.backends.lmdb.history import note_change
from mailserverd.backends.lmdb.keys import EPOCH, EPOCH_BITS, INDEX_JOURNAL, UID_VALIDITY, account_prefix
from mailserverd.backends.lmdb.outcome import Effect
from mailserverd.backends.lmdb.records import (
    AccountRecord,
    MailboxRecord,
    decoded_account,
    decoded_mailbox,
    encoded,
)
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.ticket import NotEarly
from mailserverd.model.changes import Change, What
from mailserverd.model.errors import AlreadyExists, LimitReached, NotFound, OverQuota
from mailserverd.model.flags import KEYWORD_SHIFT, MAX_KEYWORDS, mask_of
from mailserverd.model.identifiers import EmailId, MailboxId, ModSeq, Uid
from mailserverd.model.mailbox import INBOX

RESERVED_MODSEQS = 10_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan is told from outside. boot: a number that no other run of the server has."""

    boot: int
    now: float
    quota: int | None
    max_mailboxes: int
    zstd_level: int


class AccountPlan:
    def __init__(self, step: Step, account_id: int, terms: Terms) -> None:
        self.step = step
        self.terms = terms
        self.account_id = account_id
        self.prefix = account_prefix(account_id)
        self.boxes: dict[int, MailboxRecord] = {}
        self.dropped: list[int] = []
        self.effects: list[Effect] = []
        self.next_uid = 0  # of a source: what a stage leaves to the next one
        self._indexed = False
        value = step.get(self.prefix + b"a")
        if value is None:
            self.account = AccountRecord(0, 0, terms.boot, 0, 0, 0, 1, 0)
            self.create(INBOX, (), True)
        else:
            self.account = decoded_account(value)
            if self.account.boot != terms.boot:
                self._resume()

    def _resume(self) -> None:
        """First commit of this run: go on above every MODSEQ that the last one may have told a client."""
        if self.step.early:
            raise NotEarly
        account = self.account
        account.boot = self.terms.boot
        epoch = int.from_bytes(self.step.get(EPOCH) or b"")
        mark = max(account.mark, epoch << EPOCH_BITS)
        if mark > account.modseq:
            account.modseq = mark
            for box in self.all_boxes():
                box.highest_modseq = mark
        account.mark = account.modseq

    # Mailboxes

    def box(self, mailbox_id: int) -> MailboxRecord:
        """Raises NotFound."""
        box = self.boxes.get(mailbox_id)
        if box is None:
            value = self.step.get(self.prefix + b"m" + mailbox_id.to_bytes(4))
            if value is None or mailbox_id in self.dropped:
                raise NotFound("no such mailbox")
            box = self.boxes[mailbox_id] = decoded_mailbox(value)
        return box

    def all_boxes(self) -> list[MailboxRecord]:
        for key, value in self.step.scan(self.prefix + b"m"):
            number = int.from_bytes(key[-4:])
            if number not in self.boxes and number not in self.dropped:
                self.boxes[number] = decoded_mailbox(value)
        return list(self.boxes.values())

    def create(self, name: str, special_use: tuple[str, ...], subscribed: bool) -> MailboxRecord:
        account = self.account
        if account.mailboxes >= self.terms.max_mailboxes:
            raise LimitReached(f"an account has at most {self.terms.max_mailboxes} mailboxes")
        if account.mailboxes and any(box.name == name for box in self.all_boxes()):
            raise AlreadyExists(f"mailbox {name!r} is there already")
        last = int.from_bytes(self.step.get(UID_VALIDITY) or b"")
        validity = max(last + 1, int(self.terms.now)) & 0xFFFFFFFF
        self.step.put(UID_VALIDITY, validity.to_bytes(4))
        modseq = self.next_modseq()
        number = account.next_mailbox
        account.next_mailbox += 1
        account.mailboxes += 1
        box = MailboxRecord(number, name, validity, 1, modseq, 0, 0, 0, 0, 0, 1, (), special_use, subscribed, modseq)
        self.boxes[number] = box
        self.note(modseq, What.MAILBOX, number)
        return box

    def mask(self, box: MailboxRecord, flags: tuple[str, ...], extend: bool = True) -> int:
        """The mask of these flags, with new keywords put into the mailbox's table. Raises LimitReached."""
        mask, unknown = mask_of(flags, box.keywords)
        if not unknown or not extend:
            return mask
        if self.step.early:
            raise NotEarly
        if len(box.keywords) + len(unknown) > MAX_KEYWORDS:
            raise LimitReached(f"mailbox {box.name!r} has room for {MAX_KEYWORDS} keywords")
        first = KEYWORD_SHIFT + len(box.keywords)
        box.keywords = (*box.keywords, *unknown)
        return mask | ((1 << len(unknown)) - 1) << first

    # Counters and history

    def next_modseq(self) -> int:
        account = self.account
        account.modseq += 1
        if account.modseq > account.mark and self.step.early:
            raise NotEarly
        return account.modseq

    def reserve(self) -> None:
        """Early acknowledgements may go on up to a new mark, which this commit makes durable."""
        if not self.step.early and self.account.mark < self.account.modseq + RESERVED_MODSEQS // 2:
            self.account.mark = self.account.modseq + RESERVED_MODSEQS

    def charge(self, octets: int, messages: int) -> None:
        """Raises OverQuota."""
        quota = self.terms.quota
        if quota is not None and self.account.octets + octets > quota:
            raise OverQuota(f"the account's quota of {quota} octets would be passed")
        self.account.octets += octets
        self.account.messages += messages

    def note(
        self,
        modseq: int,
        what: What,
        mailbox_id: int,
        uids: Sequence[int] = (),
        email_ids: Sequence[bytes] = (),
        masks: Sequence[int] = (),
    ) -> None:
        change = Change(
            ModSeq(modseq), what, MailboxId(mailbox_id), tuple(map(Uid, uids)), tuple(map(EmailId, email_ids))
        )
        note_change(self.step, self.prefix, self.account, change)
        self.effects.append(Effect(change, masks))
        self._indexed = self._indexed or what in (What.ADDED, What.EXPUNGED)

    def put(self) -> None:
        """Put the records that were read or made."""
        self.account.version += 1
        for number, box in self.boxes.items():
            self.step.put(self.prefix + b"m" + number.to_bytes(4), encoded(box))
        self.step.put(self.prefix + b"a", encoded(self.account))
        if self._indexed:
            self.step.put(INDEX_JOURNAL + self.prefix[1:], self.account.modseq.to_bytes(8))
