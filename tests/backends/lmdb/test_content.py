"""backends/lmdb/content.py: what damage makes of a stored message."""

import struct
from contextlib import suppress

import pytest

from mailserverd.backends.lmdb.content import HEAD, packed_content, whole_of
from mailserverd.model.errors import Damaged
from tests.contracts.mail import message_of, octets_of

OCTETS = octets_of(1, 6_000)
STORED = packed_content(message_of(OCTETS), 1)
FRAME = STORED.index(struct.pack("<I", 0xFD2FB528))  # RFC 8878 §3.1.1


def test_it_comes_back() -> None:
    assert STORED[0] & 1  # in zstd
    assert whole_of(memoryview(STORED)) == OCTETS


@pytest.mark.parametrize("place", [FRAME, len(STORED) // 2, len(STORED) - 1])
def test_an_end_too_soon(place: int) -> None:
    with pytest.raises(Damaged, match="restore it from a backup"):
        whole_of(memoryview(STORED[:place]))


@pytest.mark.parametrize("place", range(FRAME, len(STORED)))
def test_a_damaged_octet(place: int) -> None:
    """It is found out, or makes a message that is no larger; nothing else is raised."""
    damaged = STORED[:place] + bytes([STORED[place] ^ 0xFF]) + STORED[place + 1 :]
    with suppress(Damaged):
        assert len(whole_of(memoryview(damaged)) or b"") < 1 << 20


def test_a_size_that_no_message_has_is_not_believed() -> None:
    """A frame of nine octets that says it is a tebioctet: RFC 8878 §3.1.1.1.4."""
    lie = struct.pack("<IBBQ", 0xFD2FB528, 0b11000000, 0x50, 1 << 40) + b"\1\0\0"
    with pytest.raises(Damaged, match="larger than any"):
        whole_of(memoryview(HEAD.pack(1, 0, 0) + lie))
