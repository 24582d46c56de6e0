"""Which blobs the stored mail and the queue refer to, for the sweep.

Standing rules: content is read in short transactions in a file thread, of most messages one octet; what is found is
marked in a Bloom filter of 8 MiB, however many blobs there are: of a million blobs that could go it keeps a dozen, of
ten million a twenty-fifth, and others at the next sweep. What is committed while this runs put its blobs before, and
so renewed them.
"""

from collections.abc import Callable

from mailserverd.backends.lmdb.content import manifest_of
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.off_reactor import OffReactor
from mailserverd.backends.lmdb.queue_records import BLOB
from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import BlobSegment

SLICE = 500
_MANIFEST = 2
_PLACE_BITS = 26
_PLACES = 4


class Marks:
    """A Bloom filter over blob ids, which are hashes: each place is some bits of the id, other ones for each `turn`."""

    __slots__ = ("_bits", "_shifts")

    def __init__(self, turn: int) -> None:
        self._bits = bytearray(1 << _PLACE_BITS - 3)
        first = turn * 37 % (256 - _PLACES * _PLACE_BITS)
        self._shifts = tuple(first + _PLACE_BITS * place for place in range(_PLACES))

    def add(self, blob_id: bytes) -> None:
        number, bits = int.from_bytes(blob_id), self._bits
        for shift in self._shifts:
            place = number >> shift & (1 << _PLACE_BITS) - 1
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, blob_id: bytes) -> bool:
        number, bits = int.from_bytes(blob_id), self._bits
        for shift in self._shifts:
            place = number >> shift & (1 << _PLACE_BITS) - 1
            if not bits[place >> 3] >> (place & 7) & 1:
                return False
        return True


class BlobReferences:
    def __init__(self, environment: Environment, threads: OffReactor) -> None:
        self._environment = environment
        self._threads = threads
        self._sweeps = 0

    async def collect(self) -> Callable[[BlobId], bool]:
        """Whether a message referred to the blob when this was called. Raises what a damaged content raises: then
        nothing may be swept."""
        self._sweeps += 1
        found = Marks(self._sweeps)
        await self._threads.run(lambda: self._queued(found))
        start = b"A"
        while start:
            at = start
            start = await self._threads.run(lambda: self._slice(at, found))  # noqa: B023
        return found.__contains__

    def _queued(self, found: Marks) -> None:
        """Bodies of the outbound queue; there are few of them that are blobs."""
        after = b""
        while records := self._environment.scan(BLOB, SLICE, after):
            for _, blob_id in records:
                found.add(blob_id)
            after = records[-1][0]

    def _slice(self, start: bytes, found: Marks) -> bytes:
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


def _note(value: memoryview, found: Marks) -> None:
    if value[0] & _MANIFEST:
        for segment in manifest_of(value):
            if isinstance(segment, BlobSegment):
                found.add(segment.blob_id)


def _next_account(key: bytes) -> bytes:
    return b"A" + (int.from_bytes(key[1:9]) + 1).to_bytes(8)
