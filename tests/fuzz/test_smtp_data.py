"""The end of DATA and the octets of BDAT: every chunking of the same octets gives the same result."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.smtp.content import ChunkReceiver, DataReceiver, Fault

pieces = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"a", b"\0", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"x" * 50]), max_size=30
)
cuts = st.lists(st.integers(0, 200), max_size=20)


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(octets)) for place in places} | {len(octets)})
    starts = [0, *ends[:-1]]
    return [octets[start:end] for start, end in zip(starts, ends, strict=True)]


def receive(receiver: DataReceiver | ChunkReceiver, chunks: list[bytes]) -> tuple[bytes, bytes | None, Fault | None]:
    got = b""
    for i, chunk in enumerate(chunks):
        block, rest = receiver.feed(chunk)
        got += block
        if rest is not None:
            return got, rest + b"".join(chunks[i + 1 :]), receiver.fault
    return got, None, receiver.fault


def plainly(octets: bytes) -> tuple[bytes, bytes | None]:
    """RFC 5321 §4.1.1.4 and §4.5.2, in the plainest words."""
    end = (b"\r\n" + octets).find(b"\r\n.\r\n")
    if end < 0:
        return b"", None
    lines = octets[:end].split(b"\r\n")
    return b"\r\n".join(line[1:] if line[:1] == b"." else line for line in lines), octets[end + 3 :]


@settings(max_examples=200, deadline=None)
@given(pieces, cuts)
def test_data(parts: list[bytes], places: list[int]) -> None:
    octets = b"".join(parts)
    message, rest = plainly(octets)
    got, left, fault = receive(DataReceiver(), cut(octets, places))
    assert left == rest
    if rest is not None:
        body = octets[: len(octets) - len(rest) - 3]
        lines = body.replace(b"\r\n", b"")
        assert (fault is not None) == (b"\r" in lines or b"\n" in lines or b"\0" in lines)
        assert got == message
    assert receive(DataReceiver(), cut(octets, list(range(len(octets)))))[1] == rest


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), cuts)
def test_any_octets_stuffed_come_back(octets: bytes, places: list[int]) -> None:
    message = octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"").replace(b"a", b"\r\n") + b"\r\n"
    stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\nREST"
    assert receive(DataReceiver(), cut(stuffed, places)) == (message, b"REST", None)


@settings(max_examples=200, deadline=None)
@given(pieces, cuts, st.integers(0, 100))
def test_chunks(parts: list[bytes], places: list[int], size: int) -> None:
    octets = b"".join(parts)
    receiver, whole = ChunkReceiver(size, lines=True), ChunkReceiver(size, lines=True)
    got = receive(receiver, cut(octets, places))
    assert got[:2] == receive(whole, [octets])[:2]
    assert (got[2] is None) == (whole.fault is None)
    assert receiver.ends_with_cr == whole.ends_with_cr
    if got[1] is not None:
        assert got[0] == octets[:size]
        assert got[1] == octets[size:]
