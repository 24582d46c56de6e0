"""The octets of DATA (RFC 5321 §4.5.2) and of BDAT (RFC 3030 §2).

Standing rules: a message is looked at whole, so that no edge of a chunk can hide a dot; only CRLF ends a line, and who
calls has made sure that there is no CR or LF by itself (`wire/smtp/content.fault_of`).
"""

from collections.abc import Iterator

BLOCK_OCTETS = 65_536
_END = b".\r\n"


def data_form(octets: bytes) -> bytes:
    """The message with dots stuffed and its end."""
    if octets[:1] == b"." or b"\n." in octets:
        octets = _stuffed(octets)
    if not octets or octets.endswith(b"\r\n"):
        return octets + _END
    return octets + b"\r\n" + _END


def _stuffed(octets: bytes) -> bytes:
    octets = octets.replace(b"\r\n.", b"\r\n..")
    return b"." + octets if octets[:1] == b"." else octets


def blocks(octets: bytes) -> Iterator[bytes]:
    """`octets` in blocks, without a copy of the whole."""
    if len(octets) <= BLOCK_OCTETS:
        yield octets
        return
    for start in range(0, len(octets), BLOCK_OCTETS):
        yield octets[start : start + BLOCK_OCTETS]


def data_blocks(octets: bytes) -> Iterator[bytes]:
    """What data_form gives, in blocks of about BLOCK_OCTETS: a large message is never there twice."""
    if len(octets) <= BLOCK_OCTETS:
        yield data_form(octets)
        return
    for start in range(0, len(octets), BLOCK_OCTETS):
        block = octets[start : start + BLOCK_OCTETS]
        stuffed = block.replace(b"\r\n.", b"\r\n..")
        if block[:1] == b"." and (not start or octets[start - 2 : start] == b"\r\n"):
            stuffed = b"." + stuffed
        elif block[:2] == b"\n." and octets[start - 1 : start] == b"\r":  # the edge lies within CRLF
            stuffed = b"\n." + stuffed[1:]
        yield stuffed
    yield _END if octets.endswith(b"\r\n") else b"\r\n" + _END


def bdat_command(octets: int, last: bool) -> bytes:
    return b"BDAT %d LAST\r\n" % octets if last else b"BDAT %d\r\n" % octets
