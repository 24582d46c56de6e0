import pytest

from mailserverd.wire.sasl.base64_line import MAX_LINE_OCTETS, decode_initial, decode_response, encode_challenge
from mailserverd.wire.sasl.steps import Failed, Fault


def test_round_trip():
    assert decode_response(encode_challenge(b"\0user\0pass")) == b"\0user\0pass"
    assert encode_challenge(b"") == b""
    assert decode_response(b"") == b""


def test_star_cancels():
    assert decode_response(b"*").fault is Fault.CANCELLED
    assert decode_initial(b"*").fault is Fault.CANCELLED


def test_equals_sign_is_an_empty_initial_response():
    assert decode_initial(b"=") == b""
    assert decode_response(b"=").fault is Fault.MALFORMED


@pytest.mark.parametrize("line", [b"YQ", b"YQ==\r", b"Y Q==", b"YQ==YQ==", b"Y*==", b"====", b"\xff"])
def test_only_strict_base64(line):
    assert isinstance(decode_response(line), Failed)


def test_length_is_bounded():
    assert decode_response(b"A" * MAX_LINE_OCTETS) == b"\0" * (MAX_LINE_OCTETS // 4 * 3)
    assert decode_response(b"A" * (MAX_LINE_OCTETS + 4)).fault is Fault.MALFORMED
