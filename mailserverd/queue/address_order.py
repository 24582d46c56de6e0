"""In which order the addresses of one host are tried.

Standing rules: the families take turns, IPv6 first, so a family that leads nowhere costs one attempt (RFC 8305 §4);
within a family chance decides, for the resolver remembers one order for all (RFC 5321 §5.1 leaves equals to us).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from itertools import chain, zip_longest
from random import Random


def in_turns(addresses: Sequence[str], chance: Random) -> list[str]:
    """What is no address is left out."""
    six, four = [each for each in addresses if is_six(each)], [each for each in addresses if is_six(each) is False]
    chance.shuffle(six)
    chance.shuffle(four)
    return [each for each in chain.from_iterable(zip_longest(six, four)) if each is not None]


def is_six(address: str) -> bool | None:
    """None: it is no address at all."""
    try:
        return isinstance(ip_address(address), IPv6Address)
    except ValueError:
        return None


def literal(domain: str) -> str | None:
    """The address in "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3); None: it is not one."""
    inner = domain[1:-1] if domain.startswith("[") and domain.endswith("]") else ""
    tagged = inner[:5].lower() == "ipv6:"
    address = inner[5:] if tagged else inner
    six = is_six(address)
    return str(ip_address(address)) if six is not None and six is tagged else None
