"""The sweep over the real store: what a message of any account holds stays, the rest goes."""

from hashlib import sha256
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from mailserverd.backends.lmdb.blob_references import SLICE, BlobReferences, Marks
from mailserverd.interfaces.mail_store import Add, Expunge
from mailserverd.mailstore.blob_sweep import BlobSweep
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import ALL, Mail, blob_segment, message_of, octets_of


def test_only_blobs_of_no_message_are_swept(tmp_path: Path) -> None:
    store = Embedded(tmp_path, Loop())
    ids = []
    for account_id in (3, 7, 9):
        mail = Mail(store.loop, store.mail_store, account_id)
        for n in range(3):
            whole = octets_of(account_id * 10 + n, 5_000)
            ids.append(store.loop.run(store.blobs.put(whole)))
            mail.commit(Add(mail.inbox, message_of(whole, (blob_segment(ids[-1], len(whole)),)), (), 0))
            mail.add(n)
    for n in range(SLICE + 20):
        mail.add(n)
    never_used = store.loop.run(store.blobs.put(b"of no message"))
    mail.commit(Expunge(mail.inbox, ALL, only_deleted=False))
    references = BlobReferences(store.environment, store.threads)
    sweep = BlobSweep(store.blobs, references.collect, Clock())
    assert store.loop.run(sweep.sweep_once()) == 0
    assert store.loop.run(sweep.sweep_once()) == 4
    assert [store.loop.run(store.blobs.verify(blob_id)) for blob_id in ids] == [True] * 6 + [False] * 3
    assert not store.loop.run(store.blobs.verify(never_used))
    assert store.check().findings == []
    store.close()


def test_more_messages_than_a_slice(tmp_path: Path) -> None:
    store = Embedded(tmp_path, Loop())
    mail = Mail(store.loop, store.mail_store)
    whole = octets_of(1, 5_000)
    mail.commit(*[Add(mail.inbox, message_of(octets_of(n)), (), 0) for n in range(2 * SLICE)])
    blob_id = store.loop.run(store.blobs.put(whole))
    mail.commit(Add(mail.inbox, message_of(whole, (blob_segment(blob_id, len(whole)),)), (), 0))
    keep = store.loop.run(BlobReferences(store.environment, store.threads).collect())
    assert keep(blob_id)
    assert not keep(type(blob_id)(b"x" * 32))
    store.close()


@pytest.mark.parametrize("turn", [1, 2, 1000])
def test_marks_forget_nothing_and_confuse_little(turn: int) -> None:
    ids = [sha256(b"%d" % n).digest() for n in range(20_000)]
    marks = Marks(turn)
    for each in ids[:10_000]:
        marks.add(each)
    assert all(each in marks for each in ids[:10_000])
    assert sum(each in marks for each in ids[10_000:]) <= 1


def test_what_is_confused_at_one_sweep_is_not_at_the_next() -> None:
    first, second = Marks(1), Marks(2)
    marked = sha256(b"marked").digest()
    other = (int.from_bytes(marked) ^ 1 << 150).to_bytes(32)
    first.add(marked)
    second.add(marked)
    assert other in first
    assert other not in second
