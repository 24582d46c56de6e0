"""What every MailStore does with messages: adding, reading, flags, copies, moves, expunges, and all or nothing."""

import hashlib

import pytest

from mailserverd.interfaces.mail_store import Add, Copy, Expunge, MailStore, Move, PutAttribute, SetFlags
from mailserverd.model.errors import Conflict, LimitReached, NotFound, OverQuota, StoreError
from mailserverd.model.identifiers import AccountId, EmailId, MailboxId
from mailserverd.model.message import HEADER_ROW_OCTETS, PAGE_OCTETS, Fields, InlineSegment
from tests.contracts.loop import Loop
from tests.contracts.mail import ALL, Mail, message_of, octets_of

NOWHERE = MailboxId(999_999)
EVERYTHING = Fields((1 << 9) - 1)


class StoreBinding:
    """What a binding defines: the fixtures `loop`, `store` and `bus`, and the methods below."""

    def reopen(self, store: MailStore) -> MailStore:
        """The same mail as a new start of the server sees it."""
        raise AssertionError("the binding says how")

    def set_quota(self, account_id: int, octets: int) -> None:
        raise AssertionError("the binding says how")

    @pytest.fixture
    def mail(self, loop: Loop, store: MailStore) -> Mail:
        return Mail(loop, store)


class MessagesContract(StoreBinding):
    # Adding and reading

    def test_an_account_that_never_had_mail_has_an_empty_inbox(self, mail: Mail) -> None:
        assert mail.names() == ["INBOX"]
        assert mail.uids() == []
        assert (mail.state().messages, mail.state().octets) == (0, 0)
        assert mail.row().uid_next == 1

    def test_a_message_comes_back_as_it_was_given(self, mail: Mail) -> None:
        given = message_of(octets_of(1))
        placed = mail.commit(Add(mail.inbox, given, ("\\Seen", "$Junk"), 1_700_000_001, -330)).results[0].placed[0]
        assert (placed.source_uid, placed.mailbox_id, placed.uid) == (0, mail.inbox, 1)
        [row] = mail.rows(want=EVERYTHING)
        assert (row.uid, row.email_id, row.thread_id) == (1, placed.email_id, placed.thread_id)
        assert (row.internal_date, row.internal_offset, row.size) == (1_700_000_001, -330, given.size)
        assert (row.header, row.header_index, row.part_map) == (given.header, given.header_index, given.part_map)
        assert row.header_octets == len(given.header)
        assert (row.envelope, row.body_structure, row.preview) == (given.envelope, given.body_structure, given.preview)
        assert (row.sort_keys, row.thread_keys) == (given.sort_keys, given.thread_keys)
        assert row.octets == octets_of(1)
        assert mail.flags(1) == {"\\Seen", "$Junk"}

    def test_fields_that_were_not_asked_for_are_empty(self, mail: Mail) -> None:
        mail.add(1)
        [row] = mail.rows(want=Fields.META)
        assert (row.envelope, row.body_structure, row.header, row.header_index) == (b"", b"", b"", b"")
        assert (row.part_map, row.preview, row.sort_keys, row.thread_keys, row.octets) == (b"", b"", None, None, None)
        [row] = mail.rows(want=Fields.ENVELOPE)
        assert row.envelope
        assert not row.body_structure

    @pytest.mark.parametrize("size", [0, 1, 4_000, 70_000, 300_000, 2_500_000])
    def test_every_range_of_octets_is_that_of_the_message(self, mail: Mail, size: int) -> None:
        octets = octets_of(5) + bytes(hashlib.shake_128(b"%d" % size).digest(size))
        half = len(octets) // 2
        segments = (InlineSegment(octets[:half]), InlineSegment(octets[half:]))
        placed = mail.commit(Add(mail.inbox, message_of(octets, segments), (), 0)).results[0].placed[0]
        step = 1 << 20
        assert b"".join(mail.octets(placed.email_id, at, at + step) for at in range(0, len(octets), step)) == octets
        for start, stop in ((0, 0), (0, 1), (half - 1, half + 1), (len(octets) - 1, len(octets)), (10, 20)):
            assert mail.octets(placed.email_id, start, stop) == octets[start:stop]

    def test_rows_are_those_named_in_order_and_by_pages(self, mail: Mail) -> None:
        for n in range(1, 21):
            mail.add(n)
        mail.commit(Expunge(mail.inbox, ((5, 6),), only_deleted=False))
        assert [row.uid for row in mail.rows()] == [*range(1, 5), *range(7, 21)]
        assert [row.uid for row in mail.rows(uids=((2, 2), (4, 8), (20, 99)))] == [2, 4, 7, 8, 20]
        page = mail.loop.run(mail.account.rows(mail.inbox, ALL, Fields.META, 3))
        assert [row.uid for row in page.rows] == [1, 2, 3]
        assert page.next_uid is not None
        assert 3 < page.next_uid <= 4

    def test_a_page_holds_no_more_than_its_octets(self, mail: Mail) -> None:
        """Of a long header a row has the beginning, and rows of much envelope or header make short pages."""
        header = b"Subject: " + b"x" * (HEADER_ROW_OCTETS - 20) + b"\r\n"
        long = message_of(header + b"X-Rest: " + b"y" * 500_000 + b"\r\n\r\nbody\r\n")
        wide = message_of(octets_of(1))._replace(envelope=b"e" * 300_000)
        for _ in range(10):
            mail.commit(Add(mail.inbox, long, (), 0), Add(mail.inbox, wide, (), 0))
        for want in (Fields.HEADER, Fields.ENVELOPE, Fields.HEADER | Fields.ENVELOPE):
            pages = list(mail.pages(want, 256))
            held = [sum(len(row.header) + len(row.envelope) for row in page) for page in pages]
            assert max(held) < 2 * PAGE_OCTETS + 700_000
            assert [row.uid for page in pages for row in page] == [*range(1, 21)]
        [row] = mail.rows(uids=((1, 1),), want=Fields.HEADER)
        assert (row.header, row.header_octets) == (long.header[:HEADER_ROW_OCTETS], len(long.header))
        assert not row.header_is_whole

    def test_what_is_not_there_is_not_found(self, mail: Mail) -> None:
        with pytest.raises(NotFound):
            mail.index(NOWHERE)
        with pytest.raises(NotFound):
            mail.loop.run(mail.account.rows(NOWHERE, ALL, Fields.META, 1))
        with pytest.raises(NotFound):
            mail.octets(b"x" * 16)
        with pytest.raises(NotFound):
            mail.commit(Add(NOWHERE, message_of(octets_of(1)), (), 0))
        with pytest.raises(NotFound):
            mail.commit(SetFlags(NOWHERE, ALL, "add", ("\\Seen",)))
        assert mail.by_id(b"x" * 16) == {}

    def test_accounts_do_not_see_each_other(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        placed = mail.add(1)
        other = Mail(loop, store, account_id=8)
        assert other.uids() == []
        with pytest.raises(NotFound):
            other.octets(placed.email_id)

    def test_opening_twice_is_the_same_account(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        assert loop.run(store.open(AccountId(7))) is mail.account

    def test_a_removed_account_is_empty_and_hurts_no_other(self, loop: Loop, store: MailStore) -> None:
        gone, stays = Mail(loop, store, 7), Mail(loop, store, 8)
        gone.add(1)
        stays.add(2)
        loop.run(store.remove(AccountId(7)))
        again = self.reopen(store)
        assert Mail(loop, again, 7).uids() == []
        assert Mail(loop, again, 8).uids() == [1]

    # Numbers

    def test_uids_and_modseqs_rise_and_outlive_a_new_start(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        assert [mail.add(n).uid for n in range(3)] == [1, 2, 3]
        mail.commit(Expunge(mail.inbox, ((3, 3),), only_deleted=False))
        before, validity = mail.state().modseq, mail.row().uid_validity
        again = Mail(loop, self.reopen(store))
        assert again.state().modseq >= before
        assert again.row().uid_validity == validity
        assert again.add(9).uid == 4
        assert again.modseq(4) > before

    def test_messages_of_one_commit_have_uids_in_the_order_of_the_operations(self, mail: Mail) -> None:
        done = mail.commit(*(Add(mail.inbox, message_of(octets_of(n)), (), n) for n in range(10)))
        assert [result.placed[0].uid for result in done.results] == list(range(1, 11))
        assert [row.internal_date for row in mail.rows()] == list(range(10))
        assert max(mail.index().modseqs) == done.modseq == mail.state().modseq

    def test_email_ids_differ_and_rise_with_time(self, mail: Mail) -> None:
        ids = [mail.add(1).email_id for _ in range(20)]
        assert len(set(ids)) == 20
        assert all(len(one) == 16 for one in ids)
        assert ids == sorted(ids)

    def test_replies_share_a_thread_and_strangers_do_not(self, mail: Mail) -> None:
        first = mail.add(1)
        reply = message_of(octets_of(2), references=(b"1@example.org",))
        second = mail.commit(Add(mail.inbox, reply, (), 0)).results[0].placed[0]
        third = mail.add(3)
        assert second.thread_id == first.thread_id
        assert third.thread_id != first.thread_id

    # All or nothing

    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_an_operation_that_fails_undoes_the_commit(self, mail: Mail, at: int) -> None:
        mail.add(1)
        before = (mail.state(), mail.mailboxes(), list(mail.index().modseqs))
        ops = [Add(mail.inbox, message_of(octets_of(2)), (), 0), SetFlags(mail.inbox, ALL, "add", ("\\Flagged", "new"))]
        ops.insert(at, Add(NOWHERE, message_of(octets_of(3)), (), 0))
        with pytest.raises(NotFound):
            mail.commit(*ops)
        assert (mail.state(), mail.mailboxes(), list(mail.index().modseqs)) == before
        assert mail.add(4).uid == 2

    def test_if_modseq_that_does_not_hold_changes_nothing(self, mail: Mail) -> None:
        mail.add(1)
        now = mail.state().modseq
        with pytest.raises(Conflict):
            mail.commit(Add(mail.inbox, message_of(octets_of(2)), (), 0), if_modseq=now - 1)
        assert mail.uids() == [1]
        mail.commit(Add(mail.inbox, message_of(octets_of(2)), (), 0), if_modseq=now)
        assert mail.uids() == [1, 2]

    def test_the_same_key_is_done_once_and_answered_alike(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        ops = [Add(mail.inbox, message_of(octets_of(1)), (), 0)]
        first = mail.commit(*ops, key=b"k" * 64)
        again = mail.commit(*ops, key=b"k" * 64)
        assert (first.replayed, again.replayed) == (False, True)
        assert again.results[0].placed == first.results[0].placed
        after_start = Mail(loop, self.reopen(store))
        third = after_start.commit(*ops, key=b"k" * 64)
        assert third.replayed
        assert third.results[0].placed == first.results[0].placed
        assert after_start.uids() == [1]

    def test_a_fresh_key_is_kept_too(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        ops = [Add(mail.inbox, message_of(octets_of(1)), (), 0)]
        first = loop.run(mail.account.commit(ops, b"fresh", fresh_key=True))
        again = mail.commit(*ops, key=b"fresh")
        assert (first.replayed, again.replayed) == (False, True)
        assert again.results == first.results

    def test_keys_are_of_one_account_and_a_failed_commit_uses_none_up(
        self, loop: Loop, store: MailStore, mail: Mail
    ) -> None:
        with pytest.raises(NotFound):
            mail.commit(Add(NOWHERE, message_of(octets_of(1)), (), 0), key=b"one")
        assert not mail.commit(Add(mail.inbox, message_of(octets_of(1)), (), 0), key=b"one").replayed
        other = Mail(loop, store, 8)
        assert not other.commit(Add(other.inbox, message_of(octets_of(1)), (), 0), key=b"one").replayed

    def test_over_quota_changes_nothing_and_room_made_lets_mail_in_again(self, mail: Mail) -> None:
        size = len(octets_of(1))
        self.set_quota(7, 2 * size)
        mail.add(1)
        mail.add(2)
        with pytest.raises(OverQuota):
            mail.add(3)
        with pytest.raises(OverQuota):
            mail.commit(Copy(mail.inbox, ((1, 1),), mail.inbox))
        assert mail.uids() == [1, 2]
        assert mail.state().octets == 2 * size
        mail.commit(Expunge(mail.inbox, ((1, 1),), only_deleted=False))
        assert mail.add(4).uid == 3

    # Flags

    def test_flags_are_added_removed_and_replaced(self, mail: Mail) -> None:
        mail.add(1, "\\Seen")
        mail.set_flags([1], "add", "\\Flagged", "$Label")
        assert mail.flags(1) == {"\\Seen", "\\Flagged", "$Label"}
        mail.set_flags([1], "remove", "\\Seen", "never-there")
        assert mail.flags(1) == {"\\Flagged", "$Label"}
        mail.set_flags([1], "replace", "\\Draft")
        assert mail.flags(1) == {"\\Draft"}
        mail.set_flags([1], "replace")
        assert mail.flags(1) == set()

    def test_flags_and_keywords_are_the_same_in_any_case(self, mail: Mail) -> None:
        mail.add(1, "\\SEEN", "Work")
        mail.set_flags([1], "add", "\\seen", "WORK")
        assert mail.flags(1) == {"\\Seen", "Work"}
        mail.set_flags([1], "remove", "work")
        assert mail.flags(1) == {"\\Seen"}

    def test_only_what_changed_gets_a_new_modseq(self, mail: Mail) -> None:
        mail.add(1, "\\Seen")
        mail.add(2)
        first, second = mail.modseq(1), mail.modseq(2)
        done = mail.set_flags([1, 2], "add", "\\Seen")
        assert done.results[0].done == (1, 2)
        assert mail.modseq(1) == first
        assert second < mail.modseq(2) == done.modseq == mail.row().highest_modseq

    def test_unchanged_since_leaves_newer_messages_alone(self, mail: Mail) -> None:
        mail.add(1)
        mail.add(2)
        since = mail.state().modseq
        mail.set_flags([2], "add", "\\Flagged")
        done = mail.set_flags([1, 2], "add", "\\Seen", since=since).results[0]
        assert (done.done, done.modified) == ((1,), (2,))
        assert mail.flags(2) == {"\\Flagged"}

    def test_uids_named_one_by_one_that_are_gone_are_counted(self, mail: Mail) -> None:
        mail.add(1)
        done = mail.set_flags([1, 2, 3], "add", "\\Seen").results[0]
        assert (done.done, done.missing) == ((1,), 2)
        assert mail.commit(SetFlags(mail.inbox, ((1, 99),), "add", ("\\Seen",))).results[0].missing == 0

    def test_56_keywords_fit_a_mailbox_and_one_more_is_refused(self, mail: Mail) -> None:
        mail.add(1)
        words = [f"keyword{n}" for n in range(56)]
        mail.set_flags([1], "add", *words)
        assert mail.flags(1) == set(words)
        with pytest.raises(LimitReached):
            mail.set_flags([1], "add", "one-more")
        assert mail.flags(1) == set(words)
        other = mail.create("Other")
        mail.add(2, "one-more", mailbox_id=other)
        assert mail.flags(1, other) == {"one-more"}

    def test_flags_outlive_a_new_start(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        mail.add(1)
        mail.set_flags([1], "add", "\\Answered", "Work")
        modseq = mail.modseq(1)
        again = Mail(loop, self.reopen(store))
        assert again.flags(1) == {"\\Answered", "Work"}
        assert again.modseq(1) == modseq

    # Copies, moves, expunges

    def test_a_copy_keeps_flags_date_and_email_id(self, mail: Mail) -> None:
        target = mail.create("Target")
        mail.add(9, "other", mailbox_id=target)
        placed = mail.add(1, "\\Seen", "Work")
        done = mail.commit(Copy(mail.inbox, ((1, 1),), target)).results[0]
        [copy] = done.placed
        assert (copy.source_uid, copy.mailbox_id, copy.uid) == (1, target, 2)
        assert copy.email_id == placed.email_id
        assert mail.flags(2, target) == {"\\Seen", "Work"}
        assert mail.rows(target)[1].internal_date == mail.rows()[0].internal_date
        assert done.uid_validity == mail.row(target).uid_validity
        assert mail.uids() == [1]
        placements = mail.by_id(placed.email_id)[EmailId(placed.email_id)]
        assert sorted((box, row.uid) for box, row in placements) == sorted([(mail.inbox, 1), (target, 2)])

    def test_a_copy_into_its_own_mailbox_doubles_each_message_once(self, mail: Mail) -> None:
        for n in range(3):
            mail.add(n)
        done = mail.commit(Copy(mail.inbox, ALL, mail.inbox)).results[0]
        assert [(one.source_uid, one.uid) for one in done.placed] == [(1, 4), (2, 5), (3, 6)]
        assert mail.uids() == [1, 2, 3, 4, 5, 6]

    def test_a_copy_stays_when_the_original_goes(self, mail: Mail) -> None:
        target = mail.create("Target")
        placed = mail.add(1)
        mail.commit(Copy(mail.inbox, ALL, target))
        mail.commit(Expunge(mail.inbox, ALL, only_deleted=False))
        assert mail.octets(placed.email_id) == octets_of(1)
        assert [box for box, _ in mail.by_id(placed.email_id)[EmailId(placed.email_id)]] == [target]
        mail.commit(Expunge(target, ALL, only_deleted=False))
        with pytest.raises(NotFound):
            mail.octets(placed.email_id)
        assert mail.by_id(placed.email_id) == {}

    def test_a_move_is_in_one_place_only(self, mail: Mail) -> None:
        target = mail.create("Target")
        placed = [mail.add(n, "\\Deleted") for n in range(3)]
        done = mail.commit(Move(mail.inbox, ((1, 1), (3, 3)), target)).results[0]
        assert done.done == (1, 3)
        assert [(one.source_uid, one.uid) for one in done.placed] == [(1, 1), (3, 2)]
        assert (mail.uids(), mail.uids(target)) == ([2], [1, 2])
        assert mail.flags(1, target) == {"\\Deleted"}
        assert mail.by_id(placed[0].email_id)[EmailId(placed[0].email_id)][0][0] == target

    def test_a_move_into_its_own_mailbox_gives_new_uids(self, mail: Mail) -> None:
        mail.add(1)
        mail.add(2)
        done = mail.commit(Move(mail.inbox, ((1, 1),), mail.inbox)).results[0]
        assert [(one.source_uid, one.uid) for one in done.placed] == [(1, 3)]
        assert mail.uids() == [2, 3]

    @pytest.mark.parametrize("kind", [Copy, Move])
    def test_nothing_is_copied_or_moved_into_a_mailbox_that_is_not_there(
        self, mail: Mail, kind: type[Copy] | type[Move]
    ) -> None:
        mail.add(1)
        with pytest.raises(NotFound):
            mail.commit(kind(mail.inbox, ALL, NOWHERE))
        assert mail.uids() == [1]

    def test_expunge_takes_what_is_deleted_among_the_named(self, mail: Mail) -> None:
        for n in range(4):
            mail.add(n, *(("\\Deleted",) if n != 1 else ()))
        done = mail.commit(Expunge(mail.inbox, ((1, 3),))).results[0]
        assert done.done == (1, 3)
        assert mail.uids() == [2, 4]

    def test_attributes_are_set_listed_by_prefix_and_removed(self, loop: Loop, store: MailStore, mail: Mail) -> None:
        mail.commit(PutAttribute("a/1", b"one"), PutAttribute("a/2", b""), PutAttribute("b", b"other"))
        mail.commit(PutAttribute("b", None), PutAttribute("a/1", b"new"))
        again = Mail(loop, self.reopen(store))
        assert loop.run(again.account.attributes("", 10)) == {"a/1": b"new", "a/2": b""}
        assert loop.run(again.account.attributes("a/", 1)) == {"a/1": b"new"}

    def test_commits_asked_for_at_once_are_done_in_order(self, mail: Mail) -> None:
        from twisted.internet.defer import Deferred, gatherResults

        commits = [
            Deferred.fromCoroutine(mail.account.commit([Add(mail.inbox, message_of(octets_of(n)), (), n)]))
            for n in range(40)
        ]
        done = mail.loop.run(gatherResults(commits))
        assert [one.results[0].placed[0].uid for one in done] == list(range(1, 41))
        modseqs = [one.modseq for one in done]
        assert modseqs == sorted(set(modseqs))

    def test_a_failed_commit_among_others_hurts_none_of_them(self, mail: Mail) -> None:
        from twisted.internet.defer import Deferred, DeferredList

        ops = [Add(NOWHERE if n == 5 else mail.inbox, message_of(octets_of(n)), (), n) for n in range(10)]
        done = mail.loop.run(
            DeferredList([Deferred.fromCoroutine(mail.account.commit([op])) for op in ops], consumeErrors=True)
        )
        assert [ok for ok, _ in done] == [n != 5 for n in range(10)]
        assert isinstance(done[5][1].value, StoreError)
        assert [row.internal_date for row in mail.rows()] == [n for n in range(10) if n != 5]
