"""What every BlobStore does."""

import hashlib

import pytest

from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.model.errors import NotFound
from mailserverd.model.identifiers import BlobId
from tests.contracts.loop import Loop

CONTENTS = [b"", b"x", b"\x00" * 5000, bytes(range(256)) * 5000]


class BlobStoreContract:
    """The binding defines the fixtures `loop` and `blobs`, and reopen(blobs)."""

    def reopen(self, blobs: BlobStore) -> BlobStore:
        """The same blobs as a new start of the server sees them."""
        raise AssertionError("the binding says how")

    @pytest.mark.parametrize("content", CONTENTS, ids=len)
    def test_a_blob_is_named_by_its_hash_and_comes_back(self, loop: Loop, blobs: BlobStore, content: bytes) -> None:
        blob_id = loop.run(blobs.put(content))
        assert blob_id == hashlib.sha256(content).digest()
        assert loop.run(blobs.size(blob_id)) == len(content)
        step = 1 << 20
        pieces = [loop.run(blobs.read(blob_id, at, at + step)) for at in range(0, len(content), step)]
        assert b"".join(pieces) == content
        assert loop.run(blobs.verify(blob_id))

    def test_ranges_are_exactly_what_was_asked(self, loop: Loop, blobs: BlobStore) -> None:
        content = bytes(range(256)) * 40
        blob_id = loop.run(blobs.put(content))
        for start, stop in ((0, 0), (0, 1), (255, 257), (10_000, 10_240), (10_239, 10_240)):
            assert loop.run(blobs.read(blob_id, start, stop)) == content[start:stop]

    def test_put_many_answers_in_order_and_takes_the_same_twice(self, loop: Loop, blobs: BlobStore) -> None:
        known = loop.run(blobs.put(b"known"))
        ids = loop.run(blobs.put_many(iter([b"one", b"two", b"one", b"known"])))
        assert ids == [hashlib.sha256(c).digest() for c in (b"one", b"two", b"one", b"known")]
        assert ids[3] == known
        assert loop.run(blobs.read(ids[1], 0, 3)) == b"two"
        assert loop.run(blobs.put_many([])) == []

    def test_what_is_not_there_is_not_found(self, loop: Loop, blobs: BlobStore) -> None:
        absent = BlobId(hashlib.sha256(b"absent").digest())
        with pytest.raises(NotFound):
            loop.run(blobs.read(absent, 0, 1))
        with pytest.raises(NotFound):
            loop.run(blobs.size(absent))
        assert not loop.run(blobs.verify(absent))

    def test_blobs_survive_a_new_start(self, loop: Loop, blobs: BlobStore) -> None:
        blob_id = loop.run(blobs.put(b"lasting"))
        assert loop.run(self.reopen(blobs).read(blob_id, 0, 7)) == b"lasting"

    def test_generations_rise_also_across_a_new_start(self, loop: Loop, blobs: BlobStore) -> None:
        first = loop.run(blobs.begin_sweep())
        second = loop.run(blobs.begin_sweep())
        assert first < second < loop.run(self.reopen(blobs).begin_sweep())

    def test_the_sweep_takes_what_nobody_put_for_two_generations(self, loop: Loop, blobs: BlobStore) -> None:
        blob_id = loop.run(blobs.put(b"rubbish"))
        loop.run(blobs.begin_sweep())
        assert loop.run(blobs.sweep(lambda _: False)) == 0
        loop.run(blobs.begin_sweep())
        assert loop.run(blobs.sweep(lambda _: False)) == 1
        with pytest.raises(NotFound):
            loop.run(blobs.size(blob_id))

    def test_the_sweep_asks_for_each_old_blob_and_keeps_what_is_referred_to(self, loop: Loop, blobs: BlobStore) -> None:
        kept, gone = loop.run(blobs.put_many([b"kept", b"gone"]))
        for _ in range(2):
            loop.run(blobs.begin_sweep())
        asked: list[BlobId] = []

        def keep(blob_id: BlobId) -> bool:
            asked.append(blob_id)
            return blob_id == kept

        assert loop.run(blobs.sweep(keep)) == 1
        assert sorted(asked) == sorted([kept, gone])
        assert loop.run(blobs.verify(kept))
        assert not loop.run(blobs.verify(gone))

    def test_putting_what_exists_renews_it(self, loop: Loop, blobs: BlobStore) -> None:
        old = loop.run(blobs.put(b"wanted again"))
        loop.run(blobs.begin_sweep())
        loop.run(blobs.begin_sweep())
        loop.run(blobs.put(b"wanted again"))
        again = self.reopen(blobs)
        assert loop.run(again.sweep(lambda _: False)) == 0
        loop.run(again.begin_sweep())
        assert loop.run(again.sweep(lambda _: False)) == 0
        assert loop.run(again.verify(old))

    def test_a_blob_put_while_the_sweep_decides_stays(self, loop: Loop, blobs: BlobStore) -> None:
        blob_id = loop.run(blobs.put(b"in the last moment"))
        loop.run(blobs.begin_sweep())
        loop.run(blobs.begin_sweep())

        def keep(_: BlobId) -> bool:
            loop.run(blobs.put(b"in the last moment"))
            return False

        assert loop.run(blobs.sweep(keep)) == 0
        assert loop.run(blobs.verify(blob_id))
