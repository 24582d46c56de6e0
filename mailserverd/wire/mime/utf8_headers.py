"""Whether a message is an internationalized one (RFC 6532 §3): by the header of any of its parts."""

from mailserverd.wire.mime.headers import find_header_end
from mailserverd.wire.mime.limits import DEFAULT_LIMITS
from mailserverd.wire.mime.tree import read_tree


def has_utf8_headers(octets: bytes) -> bool:
    if octets.isascii():
        return False
    end = find_header_end(octets, 0, len(octets))
    if not octets[: end if end >= 0 else len(octets)].isascii():
        return True
    waiting = [read_tree(octets, DEFAULT_LIMITS)[0]]
    while waiting:
        entity = waiting.pop()
        if not octets[entity.header_start : entity.body_start].isascii():
            return True
        waiting += entity.children
    return False
