"""BlobStore: content that is put once, by its hash, and read by ranges.

A blob is swept only when nothing referred to it for two generations. Putting a blob that exists renews its
generation durably before the commit that will refer to it.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from mailserverd.model.identifiers import BlobId


class BlobStore(Protocol):
    async def put(self, content: bytes) -> BlobId:
        """Store content; returns after it is on disk. Raises TryAgain."""
        ...

    async def put_many(self, contents: Iterable[bytes]) -> list[BlobId]:
        """As put, with as few syncs as the backend can."""
        ...

    async def read(self, blob_id: BlobId, start: int, stop: int) -> bytes:
        """Octets [start, stop), at most 1 MiB a call. Raises NotFound, Damaged."""
        ...

    async def size(self, blob_id: BlobId) -> int:
        """Raises NotFound."""
        ...

    async def verify(self, blob_id: BlobId) -> bool:
        """Whether the content still has its hash."""
        ...

    async def begin_sweep(self) -> int:
        """Start a new generation and return its number."""
        ...

    async def sweep(self, keep: Callable[[BlobId], bool]) -> int:
        """Delete blobs last put two generations ago or earlier for which keep() is false; how many went."""
        ...
