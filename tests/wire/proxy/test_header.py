"""wire/proxy/header.py"""

import ipaddress
import struct

import pytest

from mailserverd.wire.proxy.header import OWN, BadProxyHeader, Proxied, parse_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes((command, family)) + struct.pack("!H", len(body)) + body


V4 = ipaddress.ip_address("192.0.2.1").packed + ipaddress.ip_address("192.0.2.2").packed + struct.pack("!HH", 4000, 25)
V6 = ipaddress.ip_address("2001:db8::1").packed + ipaddress.ip_address("2001:db8::2").packed + struct.pack("!HH", 1, 2)


@pytest.mark.parametrize(
    ("header", "proxied"),
    [
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 25\r\n", Proxied("192.0.2.1", 4000, "192.0.2.2", 25)),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", Proxied("2001:db8::1", 1, "2001:db8::2", 2)),
        (b"PROXY UNKNOWN\r\n", OWN),
        (b"PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n", OWN),
        (v2(0x21, 0x11, V4), Proxied("192.0.2.1", 4000, "192.0.2.2", 25)),
        (v2(0x21, 0x11, V4 + b"\4\0\1x"), Proxied("192.0.2.1", 4000, "192.0.2.2", 25)),
        (v2(0x21, 0x21, V6), Proxied("2001:db8::1", 1, "2001:db8::2", 2)),
        (v2(0x20, 0x00, b""), OWN),
        (v2(0x21, 0x31, b"\0" * 216), OWN),
    ],
)
def test_headers(header: bytes, proxied: Proxied) -> None:
    assert parse_proxy_header(header + b"EHLO x\r\n") == (proxied, len(header))
    for cut in range(len(header)):
        assert parse_proxy_header(header[:cut]) is None


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO x\r\n",
        b"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        b"PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 \xff 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        b"PROXY TCP9 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"x" * 200,
        v2(0x11, 0x11, V4),
        v2(0x22, 0x11, V4),
        v2(0x21, 0x11, V4[:-1]),
        v2(0x21, 0x11, b"\0" * 3000),
    ],
)
def test_what_is_refused(header: bytes) -> None:
    with pytest.raises(BadProxyHeader):
        parse_proxy_header(header)
