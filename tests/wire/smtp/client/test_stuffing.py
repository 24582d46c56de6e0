from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailserverd.wire.smtp.client import stuffing
from mailserverd.wire.smtp.client.stuffing import BLOCK_OCTETS, bdat_command, blocks, data_blocks, data_form
from mailserverd.wire.smtp.content import DataReceiver


def received(octets: bytes) -> bytes:
    """What our own server makes of it; it must be all of it, to the end."""
    receiver = DataReceiver()
    body, rest = receiver.feed(octets)
    assert rest == b""
    assert receiver.fault is None
    return body


def lined(pieces: list[bytes]) -> bytes:
    return b"".join(pieces)


@given(
    st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r\n.\r\n", b"RSET\r\n", b"x" * 7]), max_size=40).map(lined)
)
@example(b"")
@example(b".")
@example(b".\r\n")
@example(b"\r\n.\r\nMAIL FROM:<x@y>\r\n")
@settings(max_examples=200, deadline=None)
def test_comes_back_as_it_was(message: bytes) -> None:
    whole = message if not message or message.endswith(b"\r\n") else message + b"\r\n"
    assert received(data_form(message)) == whole


@given(
    st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r\n.\r\n", b"bc"]), max_size=60).map(lined),
    st.integers(1, 9),
)
@settings(max_examples=300, deadline=None)
def test_no_edge_of_a_block_hides_a_dot(message: bytes, size: int) -> None:
    before = stuffing.BLOCK_OCTETS
    stuffing.BLOCK_OCTETS = size
    try:
        assert b"".join(data_blocks(message)) == data_form(message)
    finally:
        stuffing.BLOCK_OCTETS = before


def test_dots_around_the_edge_of_real_blocks() -> None:
    for shift in range(-4, 5):
        message = b"a" * (BLOCK_OCTETS + shift - 2) + b"\r\n.\r\nMAIL FROM:<evil@x.example>\r\n" + b"b" * BLOCK_OCTETS
        made = list(data_blocks(message))
        assert len(made) == 4
        assert max(map(len, made)) <= BLOCK_OCTETS + 4
        assert received(b"".join(made)) == message + b"\r\n"


def test_chunks() -> None:
    assert bdat_command(5, True) == b"BDAT 5 LAST\r\n"
    assert bdat_command(0, False) == b"BDAT 0\r\n"
    octets = bytes(range(256)) * 1000
    assert b"".join(blocks(octets)) == octets
    assert len(list(blocks(octets))) == 4
    assert list(blocks(b"")) == [b""]
