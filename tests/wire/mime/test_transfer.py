import binascii
import quopri

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime.transfer import base64_lines, escapes, quoted_printable

PIECES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b"=", b".", b"a", b"\xc3\xbc", b"\x00", b"x" * 30, b"=3D", b"From "]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
@example(b"x" * 74 + b"\xff\xff")
@example(b"x" * 75 + b"\xff")
@example(b"x" * 76)
@example(b"x" * 77)
@example(b" " * 80)
@settings(max_examples=300, deadline=None)
def test_quoted_printable_decodes_to_the_same(octets: bytes) -> None:
    quoted = quoted_printable(octets)
    assert quopri.decodestring(quoted) == octets
    assert quoted.isascii()
    for line in quoted.split(b"\r\n"):
        assert len(line) <= 76
        assert b"\r" not in line
        assert b"\n" not in line
        assert not line.endswith((b" ", b"\t"))


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_base64_decodes_to_the_same(octets: bytes) -> None:
    encoded = base64_lines(octets)
    assert binascii.a2b_base64(encoded) == octets
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


@pytest.mark.parametrize(("octets", "count"), [(b"abc\r\nx\r\n", 0), (b"\xc3\xbc=\r\n", 3), (b"a\nb", 1)])
def test_what_has_to_be_escaped(octets: bytes, count: int) -> None:
    assert escapes(octets) == count


def test_a_dot_at_the_beginning_of_a_line() -> None:
    assert quoted_printable(b".\r\n..a") == b"=2E\r\n=2E.a"
