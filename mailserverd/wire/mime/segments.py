"""What a message is kept as: small pieces as they came, large parts as blobs, base64 ones decoded, so that the same
attachment is kept once however often it is sent. And back again, whole or any range, octet for octet.

A part is kept decoded only after encoding it again has given the very same octets. Rebuilding is pure: it says which
range of which blob to read, and makes octets of what was read.
"""

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import BlobSegment, InlineSegment, Segment
from mailserverd.wire.mime.parts import ENCODING_SHIFT, ENTRY, KIND_MASK
from mailserverd.wire.mime.structure import BASE64, LEAF

BLOB_THRESHOLD = 32_768  # octets of a part, as it stands in the message, from which it is a blob of its own
_MAX_LINE = 998  # RFC 5322 §2.1.1
_ENCODED_AT_ONCE = 1_048_576  # octets of a part, in calls that let no other thread run

_first_line = re.compile(rb"[A-Za-z0-9+/=]++").match
_empty_lines = re.compile(rb"(?:\r\n)*+").match


class Cut(NamedTuple):
    """segments: in order the whole message; blobs: the content of each blob that they name, each once."""

    segments: tuple[Segment, ...]
    blobs: tuple[tuple[BlobId, bytes], ...]


def cut(octets: bytes, part_map: bytes, threshold: int = BLOB_THRESHOLD) -> Cut:
    """The segments of a message."""
    if len(octets) < threshold:
        return Cut((InlineSegment(octets),) if octets else (), ())
    segments: list[Segment] = []
    blobs: dict[BlobId, bytes] = {}
    position = 0
    for start, end, is_base64 in _large_leaves(part_map, threshold):
        found = _base64_run(octets, start, end) if is_base64 else None
        if found is None:
            found = start, octets[start:end], 0, False, end - start
        run_start, content, line_octets, ends_with_crlf, length = found
        _keep_rest(octets[position:run_start], threshold, segments, blobs)
        segments.append(_blob(content, length, line_octets, ends_with_crlf, blobs))
        position = run_start + length
    _keep_rest(octets[position:], threshold, segments, blobs)
    return Cut(tuple(segments), tuple(blobs.items()))


def _large_leaves(part_map: bytes, threshold: int) -> list[tuple[int, int, bool]]:
    found = [
        (body_start, end, flags >> ENCODING_SHIFT == BASE64)
        for flags, _, _, _, body_start, end in ENTRY.iter_unpack(part_map)
        if flags & KIND_MASK == LEAF and end - body_start >= threshold
    ]
    return sorted(found)


def _keep_rest(octets: bytes, threshold: int, segments: list[Segment], blobs: dict[BlobId, bytes]) -> None:
    """What lies between large parts: kept with the message, unless it is large itself."""
    if len(octets) >= 2 * threshold:
        segments.append(_blob(octets, len(octets), 0, False, blobs))
    elif octets:
        segments.append(InlineSegment(octets))


def _blob(
    content: bytes, length: int, line_octets: int, ends_with_crlf: bool, blobs: dict[BlobId, bytes]
) -> BlobSegment:
    blob_id = BlobId(sha256(content).digest())
    blobs[blob_id] = content
    return BlobSegment(blob_id, length, line_octets, ends_with_crlf)


def _base64_run(octets: bytes, start: int, stop: int) -> tuple[int, bytes, int, bool, int] | None:
    """The base64 of a part that can be made again: (start, content, line length, last CRLF, octets), or None."""
    start = _empty_lines(octets, start, stop).end()  # type: ignore[union-attr]  # it always matches
    line = _first_line(octets, start, min(stop, start + _MAX_LINE + 1))
    if line is None:
        return None
    width = line.end() - start
    if width % 4 or width > _MAX_LINE:
        return None
    end = start + len(octets[start:stop].rstrip(b"\r\n"))
    contents = []
    step = (width + 2) * max(_ENCODED_AT_ONCE // (width + 2), 1)
    for at in range(start, end, step):
        run = octets[at : min(at + step, end)]
        whole_lines = at + step < end
        if whole_lines and run[-2:] != b"\r\n":
            return None
        run = run[:-2] if whole_lines else run
        try:
            content = a2b_base64(run)
        except BinasciiError:
            return None
        if encode(content, width) != run or (whole_lines and len(content) % 3):
            return None
        contents.append(content)
    length = end - start
    ends_with_crlf = octets.startswith(b"\r\n", end, stop)
    return start, b"".join(contents), width, ends_with_crlf, length + 2 * ends_with_crlf


@lru_cache(maxsize=64)
def _lines_of(width: int) -> Callable[[bytes], list[bytes]]:
    return re.compile(b".{1,%d}" % width, re.DOTALL).findall


def encode(content: bytes, line_octets: int) -> bytes:
    """Base64 in lines of that many characters, CRLF between them."""
    return b"\r\n".join(_lines_of(line_octets)(b2a_base64(content, newline=False)))


class BlobPiece(NamedTuple):
    """Octets start..stop of a blob (stop may lie up to two beyond its end), and what to make of them."""

    blob_id: BlobId
    start: int
    stop: int
    line_octets: int
    skip: int
    take: int

    def octets(self, content: bytes) -> bytes:
        """The octets of the message, given what was read from the blob."""
        if not self.line_octets:
            return content
        return (encode(content, self.line_octets) + b"\r\n")[self.skip : self.skip + self.take]


def pieces(segments: Iterable[Segment], start: int, stop: int) -> Iterator[bytes | BlobPiece]:
    """What octets start..stop of the message are made of, in order; nothing else needs to be read."""
    position = 0
    for segment in segments:
        if position >= stop:
            return
        length = len(segment.octets) if isinstance(segment, InlineSegment) else segment.length
        first, last = max(start - position, 0), min(stop - position, length)
        if first < last:
            if isinstance(segment, InlineSegment):
                yield segment.octets[first:last]
            else:
                yield _piece(segment, first, last)
        position += length


def _piece(segment: BlobSegment, first: int, last: int) -> BlobPiece:
    width = segment.line_octets
    if not width:
        return BlobPiece(segment.blob_id, first, last, 0, 0, last - first)
    first_line = first // (width + 2)
    after_line = -(-last // (width + 2))
    content_of_line = width // 4 * 3
    whole = -(-segment.length // (width + 2))
    stop = after_line * content_of_line
    if after_line == whole:
        characters = segment.length - 2 * (whole - 1) - 2 * segment.ends_with_crlf
        stop = characters // 4 * 3
    return BlobPiece(
        segment.blob_id, first_line * content_of_line, stop, width, first - first_line * (width + 2), last - first
    )


def join(segments: Iterable[Segment], fetch: Callable[[BlobId], bytes]) -> bytes:
    """The whole message."""
    return join_range(segments, 0, 1 << 62, fetch)


def join_range(segments: Iterable[Segment], start: int, stop: int, fetch: Callable[[BlobId], bytes]) -> bytes:
    """Octets start..stop of the message."""
    return b"".join(
        piece if isinstance(piece, bytes) else piece.octets(fetch(piece.blob_id)[piece.start : piece.stop])
        for piece in pieces(segments, start, stop)
    )
