"""The PROXY header: nothing but BadProxyHeader escapes, and no more is asked for than a header may have."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.proxy.header import MAX_V2_OCTETS, BadProxyHeader, parse_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
starts = st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ::1 ::1 ", SIGNATURE, SIGNATURE + b"\x21\x11"])


@settings(max_examples=200, deadline=None)
@given(
    starts, st.binary(max_size=200) | st.sampled_from([b"1.2.3.4 1.2.3.4 1 2\r\n", b"1 2\r\n", b"\0\x0c" + b"x" * 30])
)
def test_anything(start: bytes, rest: bytes) -> None:
    octets = start + rest
    try:
        found = parse_proxy_header(octets)
    except BadProxyHeader:
        return
    if found is None:
        assert len(octets) < 16 + MAX_V2_OCTETS
    else:
        proxied, length = found
        assert 0 < length <= len(octets)
        assert parse_proxy_header(octets[:length] + b"more") == (proxied, length)
