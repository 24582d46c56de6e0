"""Content: the octets of a message, its header in front so that reading it touches one page.

    codec(1) header length(4) index length(4) | header index | header | rest

codec & 3: 0 rest as it is, 1 rest in zstd, 2 a manifest of segments, 3 such a manifest in zstd.
codec & 8: the header is not the beginning of the message; rest is the whole message.
Standing rule: zstd only where it saves a page; not between 8 and 24 KiB, where reading matters more than space.
"""

import struct

import msgspec
import zstandard

from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.model.errors import Damaged, NotFound
from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import HEADER_ROW_OCTETS, BlobSegment, InlineSegment, NewMessage, Segment
from mailserverd.wire.mime.segments import pieces

HEAD = struct.Struct(">BII")
_FRONT = HEAD.size
PAGE = 4096
MAX_UNPACKED_OCTETS = 268_435_456
_APART = 8
_READ_OCTETS = 524_288
_encode = msgspec.msgpack.encode
_segments = msgspec.msgpack.Decoder(list[bytes | tuple[bytes, int, int, bool]]).decode


def packed_content(message: NewMessage, level: int) -> bytes:
    """Called in the reactor thread or the writer's; about 10 us where nothing is compressed."""
    header, index, segments = message.header, message.header_index, message.segments
    if len(segments) == 1 and isinstance(segments[0], InlineSegment):
        whole = segments[0].octets
        shared = whole.startswith(header)
        return _packed(0, shared, header, index, whole[len(header) :] if shared else whole, level)
    first = segments[0] if segments else None
    shared = isinstance(first, InlineSegment) and first.octets.startswith(header)
    items: list[object] = []
    for segment in segments:
        if isinstance(segment, InlineSegment):
            items.append(segment.octets[len(header) :] if shared and segment is first else segment.octets)
        else:
            items.append((segment.blob_id, segment.length, segment.line_octets, segment.ends_with_crlf))
    return _packed(2, shared, header, index, _encode(items), level)


def _packed(codec: int, shared: bool, header: bytes, index: bytes, rest: bytes, level: int) -> bytes:
    before = HEAD.size + len(header) + len(index)
    size = before + len(rest)
    if 1500 < size <= 8192 or size > 24_576:
        small = zstandard.ZstdCompressor(level=level).compress(rest)
        if _pages(before + len(small)) < _pages(size):
            codec, rest = codec | 1, small
    return b"".join((HEAD.pack(codec | (0 if shared else _APART), len(header), len(index)), index, header, rest))


def _pages(size: int) -> float:
    return size / PAGE if size < 2000 else (size + 16 + PAGE - 1) // PAGE


def header_of(value: memoryview) -> tuple[bytes, bytes]:
    _, header, index = HEAD.unpack_from(value)
    at = HEAD.size + index
    return bytes(value[at : at + header]), bytes(value[HEAD.size : at])


def front_of(value: memoryview) -> tuple[bytes, bytes, int]:
    """The header as far as a row holds it, its index, and how long it is."""
    _, header, index = HEAD.unpack_from(value)
    front = value[_FRONT : _FRONT + index + min(header, HEADER_ROW_OCTETS)].tobytes()
    return front[index:], front[:index], header


def whole_of(value: memoryview) -> bytes | None:
    """The whole message, where it is in this value; None for a manifest."""
    codec, header, index = HEAD.unpack_from(value)
    at = HEAD.size + index
    if codec == 0:
        return bytes(value[at:])
    if codec & 2:
        return None
    rest: bytes | memoryview = value[at + header :]
    if codec & 1:
        rest = _unpacked(rest)
    return bytes(rest) if codec & _APART else bytes(value[at : at + header]) + rest


def _unpacked(rest: memoryview | bytes) -> bytes:
    """What a damaged frame says of its size is not believed."""
    try:
        if zstandard.frame_content_size(rest) > MAX_UNPACKED_OCTETS:
            raise Damaged("a message's record says that it is larger than any: restore it from a backup")
        return zstandard.ZstdDecompressor().decompress(rest)
    except zstandard.ZstdError as error:
        raise Damaged(f"a message's record cannot be unpacked ({error}): restore it from a backup") from error


def manifest_of(value: memoryview) -> list[Segment]:
    codec, header, index = HEAD.unpack_from(value)
    at = HEAD.size + index
    rest: bytes | memoryview = value[at + header :]
    if codec & 1:
        rest = _unpacked(rest)
    found: list[Segment] = [] if codec & _APART else [InlineSegment(bytes(value[at : at + header]))]
    for item in _segments(rest):
        if isinstance(item, bytes):
            found.append(InlineSegment(item))
        else:
            found.append(BlobSegment(BlobId(item[0]), item[1], item[2], item[3]))
    return found


async def read_segments(segments: list[Segment], blobs: BlobStore, start: int, stop: int) -> bytes:
    """The octets [start, stop) of what the segments are together. Raises Damaged."""
    found = []
    for piece in pieces(segments, start, stop):
        if isinstance(piece, bytes):
            found.append(piece)
        else:
            octets = piece.octets(await _read_blob(blobs, piece.blob_id, piece.start, piece.stop))
            if len(octets) != piece.take:
                raise Damaged(f"blob {piece.blob_id.hex()} is too short: restore it from a backup")
            found.append(octets)
    return b"".join(found)


async def _read_blob(blobs: BlobStore, blob_id: BlobId, start: int, stop: int) -> bytes:
    try:
        return b"".join(
            [await blobs.read(blob_id, at, min(at + _READ_OCTETS, stop)) for at in range(start, stop, _READ_OCTETS)]
        )
    except NotFound as error:
        raise Damaged(f"blob {blob_id.hex()} is gone: run `mailserverd store check`") from error
