"""Which blobs the stored mail refers to, for the sweep.

Standing rules: content is read in short transactions in a file thread, of most messages one octet; what is kept of a
blob id is its first eight octets, so that a million blobs cost tens of megabytes while a sweep runs, and a collision
only keeps a blob that could have gone. What is committed while this runs put its blobs before, and so renewed them.
"""

from collections.abc import Callable

from mailserverd.backends.lmdb.check_content import OffReactor
from mailserverd.backends.lmdb.content import manifest_of
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import BlobSegment

SLICE = 500
_MANIFEST = 2


class BlobReferences:
    def __init__(self, environment: Environment, threads: OffReactor) -> None:
        self._environment = environment
        self._threads = threads

    async def collect(self) -> Callable[[BlobId], bool]:
        """Whether a message referred to the blob when this was called. Raises what a damaged content raises: then
        nothing may be swept."""
        found: set[bytes] = set()
        start = b"A"
        while start:
            at = start
            start = await self._threads.run(lambda: self._slice(at, found))  # noqa: B023
        return lambda blob_id: blob_id[:8] in found

    def _slice(self, start: bytes, found: set[bytes]) -> bytes:
        """Where the next slice begins; nothing at the end."""
        with self._environment.read(buffers=True) as transaction:
            cursor = transaction.cursor()
            there = cursor.set_range(start)
            for _ in range(SLICE):
                key = bytes(cursor.key()) if there else b""
                if key[:1] != b"A":
                    cursor.close()
                    return b""
                kind = key[9:10]
                if kind == b"b":
                    _note(cursor.value(), found)
                    there = cursor.next()
                elif kind < b"b":
                    there = cursor.set_range(key[:9] + b"b")
                else:
                    there = key[1:9] != b"\xff" * 8 and cursor.set_range(_next_account(key))
            after = bytes(cursor.key()) if there else b""
            cursor.close()
            return after


def _note(value: memoryview, found: set[bytes]) -> None:
    if value[0] & _MANIFEST:
        found.update(segment.blob_id[:8] for segment in manifest_of(value) if isinstance(segment, BlobSegment))


def _next_account(key: bytes) -> bytes:
    return b"A" + (int.from_bytes(key[1:9]) + 1).to_bytes(8)
