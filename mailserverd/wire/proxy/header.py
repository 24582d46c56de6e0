"""One PROXY header: who really connected, and to what.

Standing rules: v1 is one line of 107 octets at most (§2.1); v2 is binary with its length in front (§2.2), of which we
take MAX_V2_OCTETS; LOCAL and UNKNOWN name nobody: the connection's own addresses hold.
"""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

MAX_V1_OCTETS = 107
MAX_V2_OCTETS = 2048
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_V1 = b"PROXY "
_TCP4, _TCP6 = 0x11, 0x21


class BadProxyHeader(ValueError):
    """The peer did not open with a right PROXY header; the message says what is wrong with it."""


class Proxied(NamedTuple):
    """The real client and the address it connected to. source "" : use the connection's own addresses."""

    source: str
    source_port: int
    destination: str
    destination_port: int


OWN = Proxied("", 0, "", 0)


def parse_proxy_header(data: bytes) -> tuple[Proxied, int] | None:
    """The header at the start of `data` and its length; None when more octets are needed."""
    if data[:12] == _SIGNATURE:
        return _v2(data)
    if data[:6] == _V1:
        return _v1(data)
    if _SIGNATURE.startswith(data) or _V1.startswith(data):
        return None
    raise BadProxyHeader("no PROXY header")


def _v1(data: bytes) -> tuple[Proxied, int] | None:
    end = data.find(b"\r\n", 0, MAX_V1_OCTETS)
    if end < 0:
        if len(data) >= MAX_V1_OCTETS:
            raise BadProxyHeader("PROXY line too long")
        return None
    words = data[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return OWN, end + 2
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise BadProxyHeader("bad PROXY line")
    kind = IPv4Address if words[1] == b"TCP4" else IPv6Address
    try:
        source, destination = (str(kind(word.decode("ascii"))) for word in words[2:4])
    except ValueError:
        raise BadProxyHeader("bad address in the PROXY line") from None
    return Proxied(source, _port(words[4]), destination, _port(words[5])), end + 2


def _port(word: bytes) -> int:
    if not word.isdigit() or len(word) > 5 or (len(word) > 1 and word[:1] == b"0") or int(word) > 65535:
        raise BadProxyHeader("bad port in the PROXY line")
    return int(word)


def _v2(data: bytes) -> tuple[Proxied, int] | None:
    if len(data) < 16:
        return None
    version_command, family = data[12], data[13]
    (length,) = struct.unpack_from("!H", data, 14)
    if version_command not in (0x20, 0x21):
        raise BadProxyHeader("bad version or command")
    if length > MAX_V2_OCTETS:
        raise BadProxyHeader("PROXY header too long")
    if len(data) < 16 + length:
        return None
    size = 4 if family == _TCP4 else 16
    if version_command == 0x20 or family not in (_TCP4, _TCP6):
        return OWN, 16 + length  # LOCAL, or a family that names no TCP address (§2.2: skip what is not known)
    if length < 2 * size + 4:
        raise BadProxyHeader("PROXY addresses cut short")
    source, destination = data[16 : 16 + size], data[16 + size : 16 + 2 * size]
    ports = struct.unpack_from("!HH", data, 16 + 2 * size)
    return Proxied(str(ip_address(source)), ports[0], str(ip_address(destination)), ports[1]), 16 + length
