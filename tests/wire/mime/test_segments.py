import base64
import random
from hashlib import sha256

import pytest

from mailserverd.model.identifiers import BlobId
from mailserverd.model.message import BlobSegment, InlineSegment
from mailserverd.wire.mime import segments
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.segments import BlobPiece, Cut, cut, encode, join, join_range, pieces

CONTENT = random.Random(1).randbytes(5_000)
THRESHOLD = 2_000


def lines(content: bytes, width: int = 76, end: bytes = b"\r\n") -> bytes:
    text = base64.b64encode(content)
    return end.join(text[place : place + width] for place in range(0, len(text), width))


def message(encoded: bytes, encoding: bytes = b"base64") -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: a/b\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + encoded + b"\r\n--b--\r\n"
    )


def cut_up(octets: bytes) -> tuple[Cut, dict[BlobId, bytes]]:
    found = cut(octets, scan(octets).part_map, THRESHOLD)
    return found, dict(found.blobs)


@pytest.fixture(autouse=True, params=[1_048_576, 300])
def _octets_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the steps in which a part is decoded, what is kept is the same."""
    monkeypatch.setattr(segments, "_ENCODED_AT_ONCE", request.param)


def shapes(found: Cut) -> list[tuple[int, bool] | None]:
    return [
        None if isinstance(segment, InlineSegment) else (segment.line_octets, segment.ends_with_crlf)
        for segment in found.segments
    ]


@pytest.mark.parametrize("width", [4, 60, 64, 72, 76, 996])
@pytest.mark.parametrize("size", [3_000, 3_001, 3_002, 4_104])
def test_base64_is_kept_decoded(width: int, size: int) -> None:
    octets = message(lines(CONTENT[:size], width))
    found, blobs = cut_up(octets)
    assert shapes(found) == [None, (width, False), None]
    assert blobs == {BlobId(sha256(CONTENT[:size]).digest()): CONTENT[:size]}
    assert join(found.segments, blobs.__getitem__) == octets


@pytest.mark.parametrize(
    ("encoded", "shape"),
    [
        (lines(CONTENT) + b"\r\n", (76, True)),
        (lines(CONTENT) + b"\r\n\r\n\r\n", (76, True)),
        (b"\r\n\r\n" + lines(CONTENT), (76, False)),
        (lines(CONTENT[:3_000], 4_000), (0, False)),
        (lines(CONTENT, end=b"\n"), (0, False)),
        (lines(CONTENT, 75), (0, False)),
        (lines(CONTENT) + b"\n", (76, False)),
        (lines(CONTENT) + b" ", (0, False)),
        (lines(CONTENT).replace(b"=", b""), (0, False)),
        (lines(CONTENT[:1_500]) + b"\r\n" + lines(CONTENT[1_500:]), (0, False)),
        (lines(CONTENT).replace(b"\r\n", b"\r\n\r\n", 1), (0, False)),
        (b"!" + lines(CONTENT), (0, False)),
        (b"AAAA\r\n" + b"AAAAAAAA\r\n" * 300, (0, False)),
    ],
)
def test_only_what_comes_back_octet_for_octet_is_kept_decoded(encoded: bytes, shape: tuple[int, bool]) -> None:
    octets = message(encoded)
    found, blobs = cut_up(octets)
    assert [shape_ for shape_ in shapes(found) if shape_ is not None] == [shape]
    assert join(found.segments, blobs.__getitem__) == octets


def test_padding_bits_that_would_be_lost_are_not() -> None:
    octets = message(lines(CONTENT[:3_001])[:-3] + b"B==")
    found, blobs = cut_up(octets)
    assert shapes(found) == [None, (0, False), None]
    assert join(found.segments, blobs.__getitem__) == octets


def test_other_large_parts_are_blobs_as_they_are() -> None:
    octets = message(b"=3D text\r\n" * 500, b"quoted-printable")
    found, blobs = cut_up(octets)
    assert shapes(found) == [None, (0, False), None]
    assert join(found.segments, blobs.__getitem__) == octets


def test_small_messages_stay_whole() -> None:
    octets = message(lines(CONTENT[:900]))
    assert cut(octets, scan(octets).part_map, THRESHOLD) == ((InlineSegment(octets),), ())
    assert cut(b"", scan(b"").part_map, THRESHOLD) == ((), ())


def test_the_same_attachment_is_one_blob() -> None:
    encoded = lines(CONTENT)
    octets = message(encoded + b"\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded)
    found, blobs = cut_up(octets)
    assert len([segment for segment in found.segments if isinstance(segment, BlobSegment)]) == 2
    assert len(blobs) == 1
    assert join(found.segments, blobs.__getitem__) == octets


def test_a_large_header_is_no_inline_segment() -> None:
    octets = b"X: " + b"y" * 10_000 + b"\r\n\r\n" + lines(CONTENT)
    found, blobs = cut_up(octets)
    assert sum(len(segment.octets) for segment in found.segments if isinstance(segment, InlineSegment)) < THRESHOLD
    assert join(found.segments, blobs.__getitem__) == octets


@pytest.mark.parametrize("tail", [b"", b"\r\n", b"\r\n\r\n"])
def test_every_range_comes_back_and_reads_only_what_it_needs(tail: bytes) -> None:
    octets = message(lines(CONTENT[:3_001]) + tail)
    found, blobs = cut_up(octets)
    place = random.Random(2)
    edges = [0, 1, len(octets) - 1, len(octets), len(octets) + 9]
    for _ in range(400):
        start, stop = (place.choice([*edges, place.randrange(len(octets))]) for _ in "12")
        assert join_range(found.segments, start, stop, blobs.__getitem__) == octets[start:stop]
        for piece in pieces(found.segments, start, stop):
            if isinstance(piece, BlobPiece):
                assert 0 <= piece.start < piece.stop <= 3_001 + 2
                assert piece.stop - piece.start <= (stop - start) * 3 // 4 + 2 * 57


def test_encode() -> None:
    assert encode(b"abcdef", 4) == b"YWJj\r\nZGVm"
    assert encode(b"", 76) == b""
