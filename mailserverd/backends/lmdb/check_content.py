"""Judging the octets of messages: that they open, are as long as their row says, and that their blobs are sound.

Standing rules: octets are read in short transactions of a bounded size, in a file thread; a message that is expunged
meanwhile is no finding; a blob is verified once in a whole check, however many messages hold it.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from mailserverd.backends.lmdb.check_finding import LOSS, Finding
from mailserverd.backends.lmdb.content import HEAD, header_of, manifest_of, whole_of
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.keys import account_prefix
from mailserverd.backends.lmdb.off_reactor import OffReactor
from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.model.errors import Damaged, NotFound
from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import BlobSegment, InlineSegment

SLICE_OCTETS = 1 << 20
SLICE_MESSAGES = 200
RESTORE = "restore it from a backup, or expunge the message"


@dataclass(frozen=True, slots=True)
class Read:
    """A slice of messages: problems by email id, and the blobs that each holds."""

    taken: int
    octets: int
    problems: list[tuple[bytes, str]]
    blobs: list[tuple[bytes, BlobSegment]]


class ContentCheck:
    def __init__(self, environment: Environment, blobs: BlobStore, threads: OffReactor) -> None:
        self._environment = environment
        self._blobs = blobs
        self._threads = threads
        self._sound: set[BlobSegment] = set()

    @property
    def blobs(self) -> int:
        """How many were found sound so far."""
        return len(self._sound)

    async def check(
        self, account_id: int, sizes: Sequence[tuple[bytes, int]], progress: Callable[[int, int], None]
    ) -> list[Finding]:
        """sizes: email ids of messages that are there, with their sizes. progress: messages, octets of each slice."""
        findings: list[Finding] = []
        at = 0
        while at < len(sizes):
            start = at
            read = await self._threads.run(lambda: self._read(account_id, sizes, start))  # noqa: B023
            at += read.taken
            for email_id, what in read.problems:
                findings.append(Finding(LOSS, account_id, f"message {email_id.hex()}: {what}", what_to_do=RESTORE))
            for email_id, segment in read.blobs:
                findings += await self._check_blob(account_id, email_id, segment)
            progress(read.taken, read.octets)
        return findings

    def _read(self, account_id: int, sizes: Sequence[tuple[bytes, int]], start: int) -> Read:
        """In a file thread."""
        prefix = account_prefix(account_id)
        values: list[tuple[bytes, int, bytes | None]] = []
        octets = 0
        with self._environment.read() as transaction:
            for email_id, size in sizes[start : start + SLICE_MESSAGES]:
                value = transaction.get(prefix + b"b" + email_id)
                if value is not None or transaction.get(prefix + b"e" + email_id) is not None:
                    values.append((email_id, size, value))
                else:
                    values.append((email_id, -1, None))  # expunged since
                octets += len(value or b"")
                if octets >= SLICE_OCTETS:
                    break
        problems: list[tuple[bytes, str]] = []
        blobs: list[tuple[bytes, BlobSegment]] = []
        for email_id, size, value in values:
            if size < 0:
                continue
            what = "its octets are gone" if value is None else _problem(memoryview(value), size, email_id, blobs)
            if what:
                problems.append((email_id, what))
        return Read(len(values), octets, problems, blobs)

    async def _check_blob(self, account_id: int, email_id: bytes, segment: BlobSegment) -> list[Finding]:
        if segment in self._sound:
            return []
        what = await self._blob_problem(segment)
        if not what:
            self._sound.add(segment)
            return []
        if self._environment.get(account_prefix(account_id) + b"e" + email_id) is None:
            return []  # expunged since, and its blob swept
        name = f"message {email_id.hex()}: blob {segment.blob_id.hex()} {what}"
        return [Finding(LOSS, account_id, name, what_to_do=RESTORE)]

    async def _blob_problem(self, segment: BlobSegment) -> str:
        blob_id = BlobId(segment.blob_id)
        try:
            size = await self._blobs.size(blob_id)
        except NotFound:
            return "is gone"
        except Damaged as error:
            return f"cannot be read ({error})"
        if _encoded_length(size, segment) != segment.length:
            return f"has {size} octets, which do not give the {segment.length} of its part"
        return "" if await self._blobs.verify(blob_id) else "has other octets than its name says"


def _problem(value: memoryview, size: int, email_id: bytes, blobs: list[tuple[bytes, BlobSegment]]) -> str:
    """What is wrong with a stored content, or nothing; its blobs are added to blobs."""
    try:
        _, header_length, index_length = HEAD.unpack_from(value)
        if HEAD.size + header_length + index_length > len(value):
            return "its stored form is cut short"
        whole = whole_of(value)
        if whole is not None:
            length = len(whole)
        else:
            segments = manifest_of(value)
            length = sum(len(s.octets) if isinstance(s, InlineSegment) else s.length for s in segments)
            blobs += [(email_id, segment) for segment in segments if isinstance(segment, BlobSegment)]
        header, _ = header_of(value)
    except (ValueError, TypeError, IndexError, msgspec.MsgspecError, Damaged, struct.error) as error:
        return f"its stored form does not open ({error})"
    if length != size:
        return f"it has {length} octets, not {size}"
    return "its header is longer than the message" if len(header) > size else ""


def _encoded_length(size: int, segment: BlobSegment) -> int:
    """How many octets of a message the blob stands for."""
    if not segment.line_octets:
        return size
    text = (size + 2) // 3 * 4
    lines = -(-text // segment.line_octets)
    return text + 2 * max(lines - 1, 0) + (2 if segment.ends_with_crlf else 0)
