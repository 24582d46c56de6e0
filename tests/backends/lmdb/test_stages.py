"""Large operations over the real store: whole, in stages, past a failure and past a crash in their midst."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from mailserverd.backends.lmdb.environment import Transaction, WriteFailed
from mailserverd.backends.lmdb.stage import STAGE_MESSAGES, unfinished_key
from mailserverd.interfaces.mail_store import Add, Copy, DropMailbox, Expunge, Move
from mailserverd.model.errors import TryAgain
from mailserverd.model.identifiers import MailboxId
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import ALL, Mail, message_of, octets_of

MANY = 2 * STAGE_MESSAGES + 300
FLAGS = ((), ("\\Seen",), ("\\Flagged", "word"))


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def store(loop: Loop, tmp_path: Path) -> Iterator[Embedded]:
    store = Embedded(tmp_path, loop)
    yield store
    store.close()


@pytest.fixture
def mail(loop: Loop, store: Embedded) -> Mail:
    """An inbox of MANY messages, and a mailbox "Box"."""
    mail = Mail(loop, store.mail_store)
    for at in range(0, MANY, 500):
        numbers = range(at, min(at + 500, MANY))
        mail.commit(*[Add(mail.inbox, message_of(octets_of(n)), FLAGS[n % 3], 0) for n in numbers])
    mail.create("Box")
    return mail


def box(mail: Mail) -> MailboxId:
    return next(row.mailbox_id for row in mail.mailboxes() if row.name == "Box")


def refuse_commit(store: Embedded, number: int) -> None:
    """The `number`-th commit from now on finds a full disk."""
    commit, left = store.environment.commit, [number]

    def refuse_once(transaction: Transaction) -> None:
        left[0] -= 1
        if left[0] == 0:
            transaction.abort()
            raise WriteFailed("No space left on device")
        commit(transaction)

    store.environment.commit = refuse_once  # type: ignore[method-assign]


def unfinished(store: Embedded, mail: Mail) -> int:
    return len(store.environment.scan(unfinished_key(b"A" + mail.account.account_id.to_bytes(8), b"")))


def test_another_account_does_not_wait_for_the_end_of_a_large_expunge(loop: Loop, store: Embedded, mail: Mail) -> None:
    other = Mail(loop, store.mail_store, 8)
    finished: list[str] = []

    def begun(name: str, commit: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(commit).addCallback(lambda done: finished.append(name) or done)

    large = begun("large", mail.account.commit([Expunge(mail.inbox, ALL, only_deleted=False)]))
    small = begun("small", other.account.commit([Add(other.inbox, message_of(octets_of(1)), (), 0)]))
    loop.run(small)
    assert finished == ["small"]
    done = loop.run(large).results[0].done
    assert done == tuple(range(1, MANY + 1))
    assert (mail.uids(), mail.state().messages, mail.state().octets) == ([], 0, 0)
    assert not store.check().findings


def test_a_copy_in_stages_is_as_one_made_at_once(store: Embedded, mail: Mail) -> None:
    placed = mail.commit(Copy(mail.inbox, ALL, box(mail))).results[0].placed
    assert [(each.source_uid, each.uid) for each in placed] == [(n, n) for n in range(1, MANY + 1)]
    for uid in (1, 2, 3, STAGE_MESSAGES, STAGE_MESSAGES + 1, MANY):
        assert mail.flags(uid, box(mail)) == mail.flags(uid)
    assert unfinished(store, mail) == 0
    assert not store.check().findings


def test_a_copy_into_the_same_mailbox_doubles_it_and_ends(store: Embedded, mail: Mail) -> None:
    placed = mail.commit(Copy(mail.inbox, ALL, mail.inbox)).results[0].placed
    assert len(placed) == MANY
    assert mail.uids() == list(range(1, 2 * MANY + 1))
    assert not store.check().findings


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_copy_that_fails_is_taken_back(store: Embedded, mail: Mail, stage: int) -> None:
    refuse_commit(store, stage)
    with pytest.raises(TryAgain):
        mail.commit(Copy(mail.inbox, ALL, box(mail)))
    assert (mail.uids(box(mail)), len(mail.uids())) == ([], MANY)
    assert unfinished(store, mail) == 0
    assert not store.check().findings


def test_a_copy_that_a_crash_cut_is_taken_back_when_the_account_is_opened(
    loop: Loop, store: Embedded, mail: Mail, tmp_path: Path
) -> None:
    crashed(store, tmp_path, 2)
    mail.commit(Copy(mail.inbox, ALL, box(mail)))
    after = Embedded(tmp_path / "crashed", loop)
    try:
        found = after.check().findings
        assert not found
        again = Mail(loop, after.mail_store)
        assert unfinished(after, again) == 0
        assert (again.uids(box(again)), len(again.uids())) == ([], MANY)
        assert again.commit(Copy(again.inbox, ((1, 1),), box(again))).results[0].placed[0].uid > 2 * STAGE_MESSAGES
        assert not after.check().findings
    finally:
        after.close()


def crashed(store: Embedded, tmp_path: Path, number: int) -> None:
    """After the `number`-th commit from now on the store is copied to "crashed" as it lies on disk."""
    commit: Callable[[Transaction], None] = store.environment.commit
    left = [number]

    def committed(transaction: Transaction) -> None:
        commit(transaction)
        left[0] -= 1
        if left[0] == 0:
            shutil.copytree(tmp_path / "store", tmp_path / "crashed" / "store")

    store.environment.commit = committed  # type: ignore[method-assign]


def test_a_move_that_fails_leaves_each_message_in_one_mailbox(store: Embedded, mail: Mail) -> None:
    refuse_commit(store, 2)
    with pytest.raises(TryAgain):
        mail.commit(Move(mail.inbox, ALL, box(mail)))
    assert mail.uids(box(mail)) == list(range(1, STAGE_MESSAGES + 1))
    assert mail.uids() == list(range(STAGE_MESSAGES + 1, MANY + 1))
    assert not store.check().findings


def test_a_move_in_stages_takes_all(store: Embedded, mail: Mail) -> None:
    result = mail.commit(Move(mail.inbox, ALL, box(mail))).results[0]
    assert result.done == tuple(range(1, MANY + 1))
    assert (mail.uids(), len(mail.uids(box(mail)))) == ([], MANY)
    assert not store.check().findings


def test_messages_named_one_by_one_and_not_there_are_counted_over_all_stages(mail: Mail) -> None:
    mail.commit(Expunge(mail.inbox, ((5, 5), (STAGE_MESSAGES + 5, STAGE_MESSAGES + 5)), only_deleted=False))
    named = tuple((uid, uid) for uid in range(1, MANY + 1))
    result = mail.commit(Copy(mail.inbox, named, box(mail))).results[0]
    assert (result.missing, len(result.placed)) == (2, MANY - 2)
    again = mail.commit(Expunge(mail.inbox, named, only_deleted=False)).results[0]
    assert (again.missing, len(again.done)) == (2, MANY - 2)


def test_a_large_mailbox_is_dropped_with_all_it_holds(store: Embedded, mail: Mail) -> None:
    mail.commit(Move(mail.inbox, ALL, box(mail)))
    mail.commit(DropMailbox(box(mail)))
    assert [row.name for row in mail.mailboxes()] == ["INBOX"]
    assert (mail.state().messages, mail.state().octets) == (0, 0)
    assert not store.environment.scan(b"A" + mail.account.account_id.to_bytes(8) + b"b")
    assert not store.check().findings
