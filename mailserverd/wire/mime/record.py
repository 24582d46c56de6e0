"""A message as the store takes it: the one scan of ingest."""

from typing import NamedTuple

from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import NewMessage
from mailserverd.wire.mime.limits import DEFAULT_LIMITS, MimeLimits
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.segments import BLOB_THRESHOLD, cut


class Incoming(NamedTuple):
    """message: for an Add; blobs: what must be in the BlobStore before the commit that refers to it."""

    message: NewMessage
    blobs: tuple[tuple[BlobId, bytes], ...]


def new_message(octets: bytes, limits: MimeLimits = DEFAULT_LIMITS, blob_threshold: int = BLOB_THRESHOLD) -> Incoming:
    """The record of a message. Never raises, whatever the octets."""
    scanned = scan(octets, limits)
    segments, blobs = cut(octets, scanned.part_map, blob_threshold)
    message = NewMessage(
        len(octets),
        octets[: scanned.body_start],
        scanned.header_index,
        scanned.part_map,
        scanned.envelope,
        scanned.body_structure,
        scanned.preview,
        bool(scanned.attachments),
        scanned.sort_keys,
        scanned.thread_keys,
        segments,
    )
    return Incoming(message, blobs)
