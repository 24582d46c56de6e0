"""What every MailStore does with mailboxes, with the shared index, with history and with events."""

import pytest

from mailserverd.interfaces.event_bus import EventBus
from mailserverd.interfaces.mail_store import (
    Add,
    DropMailbox,
    Expunge,
    MailStore,
    Move,
    PutMailbox,
    SetFlags,
    TakeRecent,
)
from mailserverd.model.changes import AccountEvent, Kinds, What
from mailserverd.model.errors import AlreadyExists, NotFound, StoreError
from mailserverd.model.identifiers import AccountId, MailboxId
from tests.contracts.loop import Loop
from tests.contracts.mail import ALL, Mail, message_of, octets_of
from tests.contracts.mail_store import NOWHERE, StoreBinding


class MailboxesContract(StoreBinding):
    def test_mailboxes_are_made_once_and_listed_by_name(self, mail: Mail) -> None:
        sent = mail.create("Sent", special_use=("\\Sent",))
        mail.create("Archive/2026")
        assert mail.names() == sorted(["Archive/2026", "INBOX", "Sent"])
        assert mail.row(sent).special_use == ("\\Sent",)
        with pytest.raises(AlreadyExists):
            mail.create("Sent")

    def test_a_mailbox_keeps_its_id_and_mail_through_a_rename_and_takes_its_children(self, mail: Mail) -> None:
        parent, child = mail.create("a"), mail.create("a/b/c")
        mail.create("ab")
        mail.add(1, mailbox_id=child)
        validity = mail.row(child).uid_validity
        mail.commit(PutMailbox(parent, "x/y"))
        assert mail.names() == sorted(["INBOX", "ab", "x/y", "x/y/b/c"])
        assert mail.row(child).name == "x/y/b/c"
        assert mail.row(child).uid_validity == validity
        assert mail.uids(child) == [1]

    def test_a_mailbox_is_found_by_the_name_it_has_now(self, loop: Loop, mail: Mail) -> None:
        def named(name: str) -> int | None:
            row = loop.run(mail.account.mailbox_named(name))
            return None if row is None else row.mailbox_id

        assert (named("INBOX"), named("New")) == (mail.inbox, None)
        new = mail.create("New")
        assert named("New") == new
        mail.commit(PutMailbox(new, "Newer"))
        assert (named("New"), named("Newer")) == (None, new)
        mail.add(1, mailbox_id=new)
        row = loop.run(mail.account.mailbox_named("Newer"))
        assert row is not None
        assert row.messages == 1
        mail.commit(DropMailbox(new))
        assert named("Newer") is None

    def test_a_rename_onto_a_name_that_is_taken_changes_nothing(self, mail: Mail) -> None:
        one = mail.create("one")
        mail.create("one/child")
        mail.create("two")
        with pytest.raises(AlreadyExists):
            mail.commit(PutMailbox(one, "two"))
        assert mail.names() == ["INBOX", "one", "one/child", "two"]

    def test_what_is_none_stays_as_it_is(self, mail: Mail) -> None:
        box = mail.create("box", special_use=("\\Junk",))
        mail.commit(PutMailbox(box, subscribed=True))
        row = mail.row(box)
        assert (row.name, row.special_use, row.subscribed) == ("box", ("\\Junk",), True)
        mail.commit(PutMailbox(box, special_use=()))
        assert (mail.row(box).special_use, mail.row(box).subscribed) == ((), True)

    def test_a_dropped_mailbox_takes_its_mail_and_leaves_its_children(self, mail: Mail) -> None:
        parent, child = mail.create("a"), mail.create("a/b")
        placed = mail.add(1, mailbox_id=parent)
        mail.add(2, mailbox_id=child)
        index = mail.index(parent)
        mail.commit(DropMailbox(parent))
        assert index.gone
        assert mail.names() == ["INBOX", "a/b"]
        assert mail.uids(child) == [1]
        assert mail.by_id(placed.email_id) == {}
        assert mail.state().messages == 1
        with pytest.raises(NotFound):
            mail.index(parent)
        with pytest.raises(NotFound):
            mail.commit(DropMailbox(parent))

    def test_the_inbox_cannot_be_dropped(self, mail: Mail) -> None:
        mail.add(1)
        with pytest.raises(StoreError):
            mail.commit(DropMailbox(mail.inbox))
        assert mail.uids() == [1]

    def test_a_name_used_again_is_another_mailbox(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        first = mail.create("box")
        validity = mail.row(first).uid_validity
        mail.add(1, mailbox_id=first)
        mail.commit(DropMailbox(first))
        again = Mail(loop, self.reopen(store))
        second = again.create("box")
        assert second != first, "a mailbox id is never used again"
        assert again.row(second).uid_validity > validity
        assert again.uids(second) == []

    def test_recent_is_taken_once(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        mail.add(1)
        mail.add(2)
        assert mail.commit(TakeRecent(mail.inbox)).results[0].recent_from == 1
        assert mail.commit(TakeRecent(mail.inbox)).results[0].recent_from == 3
        mail.add(3)
        again = Mail(loop, self.reopen(store))
        assert again.commit(TakeRecent(again.inbox)).results[0].recent_from == 3

    # The shared index

    def test_the_index_is_one_object_for_all_who_ask(self, mail: Mail) -> None:
        assert mail.index() is mail.index()

    def test_an_append_extends_the_arrays_that_readers_hold(self, mail: Mail) -> None:
        index = mail.index()
        uids = index.uids
        mail.add(1, "\\Seen")
        assert index.uids is uids
        assert (list(uids), list(index.masks), index.row.messages) == ([1], [1], 1)

    def test_an_expunge_leaves_the_old_array_to_old_readers(self, mail: Mail) -> None:
        for n in range(3):
            mail.add(n)
        index = mail.index()
        uids = index.uids
        mail.commit(Expunge(mail.inbox, ((2, 2),), only_deleted=False))
        assert list(uids) == [1, 2, 3]
        assert list(index.uids) == [1, 3]
        assert len(index.masks) == len(index.modseqs) == 2
        mail.add(4)
        assert list(uids) == [1, 2, 3], "what an old reader holds never changes again"

    def test_the_index_logs_what_happened(self, mail: Mail) -> None:
        mail.add(1)
        index = mail.index()
        position = index.position
        mail.add(2)
        mail.set_flags([1], "add", "\\Seen")
        mail.commit(Expunge(mail.inbox, ((2, 2),), only_deleted=False))
        changes = index.changes_after(position)
        assert changes is not None
        assert [(change.what, change.uids) for change in changes] == [
            (What.ADDED, (2,)),
            (What.FLAGS, (1,)),
            (What.EXPUNGED, (2,)),
        ]
        assert index.changes_after(index.position) == []

    def test_an_index_loaded_afresh_equals_one_that_was_kept_up(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        kept = mail.index()
        for n in range(5):
            mail.add(n, *(("\\Seen", "word") if n % 2 else ()))
        mail.commit(Expunge(mail.inbox, ((2, 2),), only_deleted=False))
        mail.set_flags([1, 3], "add", "\\Flagged")
        fresh = Mail(loop, self.reopen(store)).index()
        assert fresh is not kept
        assert (fresh.uids, fresh.masks, fresh.modseqs) == (kept.uids, kept.masks, kept.modseqs)
        assert fresh.row == kept.row

    # Events

    def test_an_event_comes_before_commit_returns_and_after_the_index_is_new(
        self, loop: Loop, mail: Mail, bus: EventBus
    ) -> None:
        index, seen, origin = mail.index(), [], object()

        def listener(event: AccountEvent) -> None:
            seen.append((event, list(index.uids), mail.row().messages))

        bus.subscribe(AccountId(7), listener)
        loop.run(mail.account.commit([Add(mail.inbox, message_of(octets_of(1)), (), 0)], origin=origin))
        [(event, uids, messages)] = seen
        assert (uids, messages) == ([1], 1)
        assert event.origin is origin
        assert [(change.what, change.mailbox_id, change.uids) for change in event.changes] == [
            (What.ADDED, mail.inbox, (1,))
        ]

    def test_a_commit_that_fails_or_changes_nothing_tells_nobody(self, mail: Mail, bus: EventBus) -> None:
        mail.add(1, "\\Seen", key=b"k")
        events: list[AccountEvent] = []
        bus.subscribe(AccountId(7), events.append)
        with pytest.raises(NotFound):
            mail.commit(Add(NOWHERE, message_of(octets_of(1)), (), 0))
        mail.add(1, key=b"k")
        assert [event for event in events if event.changes] == []

    def test_a_move_tells_of_both_mailboxes(self, mail: Mail, bus: EventBus) -> None:
        target = mail.create("Target")
        mail.add(1)
        events: list[AccountEvent] = []
        bus.subscribe(AccountId(7), events.append)
        mail.commit(Move(mail.inbox, ALL, target))
        changes = {(change.what, change.mailbox_id): change.uids for event in events for change in event.changes}
        assert changes[What.EXPUNGED, mail.inbox] == (1,)
        assert changes[What.ADDED, target] == (1,)

    # History

    def test_history_tells_all_since_a_modseq_oldest_first(self, mail: Mail) -> None:
        first = mail.add(1)
        since = mail.state().modseq
        second = mail.add(2)
        mail.set_flags([1], "add", "\\Seen")
        mail.commit(Expunge(mail.inbox, ((2, 2),), only_deleted=False))
        changes = mail.changes(since, kinds=Kinds.MESSAGES)
        assert [(change.what, change.uids) for change in changes][-2:] == [
            (What.FLAGS, (1,)),
            (What.EXPUNGED, (2,)),
        ]
        assert changes[-2].email_ids == (first.email_id,)
        assert changes[-1].email_ids == (second.email_id,)
        modseqs = [change.modseq for change in changes]
        assert modseqs == sorted(modseqs)
        assert since < modseqs[0]
        assert modseqs[-1] == mail.state().modseq
        assert mail.changes(mail.state().modseq) == []

    def test_history_by_pages_is_history_and_outlives_a_new_start(
        self, loop: Loop, store: MailStore, mail: Mail
    ) -> None:
        since = mail.state().modseq
        mail.commit(*(Add(mail.inbox, message_of(octets_of(n)), (), 0) for n in range(5)))
        box = mail.create("box")
        for n in range(5):
            mail.add(n, mailbox_id=box)
        mail.commit(Move(mail.inbox, ALL, box), SetFlags(box, ALL, "add", ("\\Seen",)), DropMailbox(box))
        whole = mail.changes(since)
        assert mail.changes(since, limit=1) == whole
        assert mail.changes(since, limit=3) == whole
        assert Mail(loop, self.reopen(store)).changes(since) == whole

    def test_history_of_mailboxes(self, mail: Mail) -> None:
        since = mail.state().modseq
        box = mail.create("box")
        mail.commit(PutMailbox(box, "renamed"))
        mail.add(1)
        mail.commit(DropMailbox(box))
        changes = mail.changes(since, kinds=Kinds.MAILBOXES)
        assert {change.what for change in changes} <= {What.MAILBOX, What.MAILBOX_GONE}
        assert (changes[-1].what, changes[-1].mailbox_id) == (What.MAILBOX_GONE, box)
        assert all(change.mailbox_id == MailboxId(box) for change in changes if change.what != What.MAILBOX_GONE)

    def test_what_was_expunged_since_a_modseq(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        for n in range(10):
            mail.add(n)
        start = mail.state().modseq
        mail.commit(Expunge(mail.inbox, ((2, 3), (7, 7)), only_deleted=False))
        middle = mail.state().modseq
        mail.commit(Move(mail.inbox, ((9, 9),), mail.create("box")))
        assert mail.expunged(start) == [2, 3, 7, 9]
        assert mail.expunged(middle) == [9]
        assert mail.expunged(mail.state().modseq) == []
        assert Mail(loop, self.reopen(store)).expunged(start) == [2, 3, 7, 9]
