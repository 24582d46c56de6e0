"""Random sequences of operations: the store and the model of mail_model.py agree about everything."""

import random

import pytest

from mailserverd.interfaces.mail_store import Add, MailStore, SetFlags
from mailserverd.model.flags import DELETED, SEEN
from tests.contracts.loop import Loop
from tests.contracts.mail import Mail
from tests.contracts.mail_model import Model
from tests.contracts.mail_store import StoreBinding


class RandomContract(StoreBinding):
    steps = 60

    @pytest.mark.parametrize("seed", range(6))
    def test_store_and_model_agree(self, loop: Loop, store: MailStore, seed: int) -> None:
        source = random.Random(seed)
        mail = Mail(loop, store)
        model = Model(mail.inbox, source)
        for step in range(self.steps):
            before = mail.state().modseq
            op = model.some_op()
            done = mail.commit(op)
            assert mail.state().modseq >= before
            model.apply(op, done.results[0], range(before + 1, done.modseq + 1) or range(before, before + 1))
            if step == self.steps // 2:
                store = self.reopen(store)
                mail = Mail(loop, store)
            if step % 10 == 9:
                self.compare(mail, model)
        self.compare(mail, model)
        self.compare(Mail(loop, self.reopen(store)), model)

    def compare(self, mail: Mail, model: Model) -> None:
        rows = mail.mailboxes()
        assert {row.mailbox_id: row.name for row in rows} == {key: box.name for key, box in model.boxes.items()}
        octets = 0
        for row in rows:
            box = model.boxes[row.mailbox_id]
            index = mail.index(row.mailbox_id)
            assert list(index.uids) == sorted(box.messages)
            assert index.row == row
            for uid, kept in box.messages.items():
                assert mail.flags(uid, row.mailbox_id) == set(kept.flags)
                assert mail.modseq(uid, row.mailbox_id) == kept.modseq
                assert mail.octets(kept.email_id) == kept.octets
            assert [(one.uid, one.email_id) for one in mail.rows(row.mailbox_id)] == [
                (uid, kept.email_id) for uid, kept in sorted(box.messages.items())
            ]
            self.recount(mail, model, row.mailbox_id)
            octets += row.octets
        assert mail.state().octets == octets
        assert mail.state().messages == sum(len(box.messages) for box in model.boxes.values())
        self.compare_placements(mail, model)

    def recount(self, mail: Mail, model: Model, mailbox_id: int) -> None:
        """Every counter that the store keeps equals a count."""
        row, index = mail.row(mailbox_id), mail.index(mailbox_id)
        kept = model.boxes[row.mailbox_id].messages
        deleted = [uid for uid, mask in zip(index.uids, index.masks, strict=True) if mask & DELETED]
        assert row.uid_next == model.boxes[row.mailbox_id].uid_next
        assert row.messages == len(kept)
        assert row.unseen == sum(1 for mask in index.masks if not mask & SEEN)
        assert row.deleted == len(deleted)
        assert row.octets == sum(len(one.octets) for one in kept.values())
        assert row.deleted_octets == sum(len(kept[uid].octets) for uid in deleted)
        assert row.highest_modseq >= max(index.modseqs, default=0)
        assert row.highest_modseq <= mail.state().modseq

    def compare_placements(self, mail: Mail, model: Model) -> None:
        expected: dict[bytes, list[tuple[int, int]]] = {}
        for mailbox_id, box in model.boxes.items():
            for uid, kept in box.messages.items():
                expected.setdefault(kept.email_id, []).append((mailbox_id, uid))
        found = mail.by_id(*expected)
        assert {key: sorted((box, row.uid) for box, row in rows) for key, rows in found.items()} == {
            key: sorted(places) for key, places in expected.items()
        }

    @pytest.mark.parametrize("seed", range(3))
    def test_history_explains_every_difference(self, loop: Loop, store: MailStore, seed: int) -> None:
        source = random.Random(1_000 + seed)
        mail = Mail(loop, store)
        model = Model(mail.inbox, source)
        remembered: list[tuple[int, dict[int, dict[int, int]]]] = []
        for step in range(self.steps):
            if step % 15 == 0:
                remembered.append((mail.state().modseq, self.seen(mail)))
            op = model.some_op()
            before = mail.state().modseq
            done = mail.commit(op)
            model.apply(op, done.results[0], range(before + 1, done.modseq + 1) or range(before, before + 1))
        now = self.seen(mail)
        for since, then in remembered:
            told = {(change.mailbox_id, uid) for change in mail.changes(since) for uid in change.uids}
            for mailbox_id, uids in now.items():
                for uid, modseq in uids.items():
                    if modseq > since:
                        assert (mailbox_id, uid) in told
                gone = {uid for uid in then.get(mailbox_id, {}) if uid not in uids}
                assert gone <= set(mail.expunged(since, mailbox_id))
                assert not set(mail.expunged(since, mailbox_id)) & set(uids)

    def seen(self, mail: Mail) -> dict[int, dict[int, int]]:
        indexes = {row.mailbox_id: mail.index(row.mailbox_id) for row in mail.mailboxes()}
        return {key: dict(zip(index.uids, index.modseqs, strict=True)) for key, index in indexes.items()}

    def test_many_at_once_are_done_in_the_order_asked_for(self, loop: Loop, store: MailStore) -> None:
        """Commits that do not wait for each other: batches, early flags and all."""
        from twisted.internet.defer import Deferred, gatherResults

        source = random.Random(42)
        mail = Mail(loop, store)
        model = Model(mail.inbox, source)
        for _ in range(8):
            ops = [op for op in (model.some_op() for _ in range(40)) if isinstance(op, Add | SetFlags)][:20]
            before = mail.state().modseq
            done = loop.run(gatherResults([Deferred.fromCoroutine(mail.account.commit([op])) for op in ops]))
            for op, committed in zip(ops, done, strict=True):
                model.apply(
                    op, committed.results[0], range(before + 1, committed.modseq + 1) or range(before, before + 1)
                )
        self.compare(mail, model)
        self.compare(Mail(loop, self.reopen(store)), model)
