"""The sweep over the real store: what a message of any account holds stays, the rest goes."""

from pathlib import Path

from twisted.internet.task import Clock

from mailserverd.backends.lmdb.blob_references import SLICE, BlobReferences
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
