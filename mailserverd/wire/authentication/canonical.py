"""The canonical forms that signatures are made over (RFC 6376 §3.4), and a header as its fields.

Standing rules: lines end in CRLF, and a bare CR or LF is an octet like any other; every step is one pass over the
octets, in pieces, so that a hostile body holds nobody up for longer than a usual one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_split = re.compile(rb"\r\n(?![ \t])").split
_white_space = re.compile(rb"[ \t]+").sub
_spaces = re.compile(rb"  +").sub
_space_at_end = re.compile(rb" \r\n").sub
_place_to_cut = re.compile(rb"[^ \t\r]").search  # nothing that is reduced goes on behind it
_AT_ONCE = 65_536  # octets, in one call that lets no other thread run


class Field(NamedTuple):
    """name: in lower case, b"" of a line that is no field; octets: all of it with its line ends."""

    name: bytes
    octets: bytes


def parted(message: bytes) -> tuple[bytes, bytes]:
    """The header block, each field with its CRLF, and the body, which begins behind the empty line."""
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    end = message.find(b"\r\n\r\n")
    if end < 0:
        return (message + b"\r\n" if message and not message.endswith(b"\r\n") else message), b""
    return message[: end + 2], message[end + 4 :]


def fields_of(header: bytes) -> list[Field]:
    """The fields of a block, in order, each with the lines that go on with it (RFC 5322 §2.2.3)."""
    out = []
    for octets in _split(header):
        if octets:
            name, colon, _ = octets.partition(b":")
            out.append(Field(name.rstrip(b" \t").lower() if colon else b"", octets + b"\r\n"))
    return out


# Headers


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 §3.4.2: lower-case name, unfolded, white space reduced; with its CRLF."""
    name, _, value = field.partition(b":")
    value = value.replace(b"\r\n", b"")
    if b"\n" in value or b"\r" in value or b"\v" in value or b"\f" in value:  # white space for split(), not for DKIM
        value = _white_space(b" ", value).strip(b" ")
    else:
        value = b" ".join(value.split())
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"


def simple_field(field: bytes) -> bytes:
    """RFC 6376 §3.4.1: as it is."""
    return field


def stacks_of(header: bytes, wanted: frozenset[bytes]) -> dict[bytes, list[bytes]]:
    """The fields of these (lower-case) names, by name; those of one name in order."""
    out: dict[bytes, list[bytes]] = {}
    for octets in _split(header):
        name = octets[: octets.find(b":")].rstrip(b" \t").lower()
        if name in wanted and b":" in octets:
            if name in out:
                out[name].append(octets + b"\r\n")
            else:
                out[name] = [octets + b"\r\n"]
    return out


def selected(stacks: Mapping[bytes, Sequence[bytes]], names: Iterable[bytes]) -> list[bytes]:
    """The fields that an h= list means: of a name that stands there n times, the last n from the bottom up; what is
    not there counts as nothing (RFC 6376 §5.4.2). names: in lower case."""
    taken: dict[bytes, int] = {}
    out = []
    for name in names:
        of_name = stacks.get(name)
        if of_name is not None:
            number = taken[name] = taken.get(name, 0) + 1
            if number <= len(of_name):
                out.append(of_name[-number])
    return out


# Bodies


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: white space reduced and none at the ends of lines; no empty lines at the end."""
    if len(body) <= _AT_ONCE:
        return _ended(_reduced(body))
    pieces, start = [], 0
    while (cut := _place_to_cut(body, start + _AT_ONCE)) is not None:
        pieces.append(_reduced(body[start : cut.end()]))
        start = cut.end()
    return _ended(b"".join([*pieces, _reduced(body[start:])]))


def _reduced(body: bytes) -> bytes:
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    if body.rfind(b"  ") >= 0:  # rfind passes over text without it in half the time of find
        body = _spaces(b" ", body)
    if body.rfind(b" \r\n") >= 0:
        body = _space_at_end(b"\r\n", body)
    return body[:-1] if body.endswith(b" ") else body


def simple_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.3: no empty lines at the end, and never without a CRLF."""
    return _ended(body) or b"\r\n"


def _ended(body: bytes) -> bytes:
    """One CRLF at the end instead of any number; b"" where there was nothing else."""
    if not body.endswith(b"\r\n"):
        return body + b"\r\n" if body else b""
    content = body.rstrip(b"\r\n")
    tail = body[len(content) :]
    # Where single CRs or LFs stand among them, only the CRLFs behind the last of those are line ends.
    broken = max(tail.rfind(b"\r\r"), tail.rfind(b"\n\n")) + 1
    if tail.startswith(b"\n", broken):
        broken += 1
    kept = content + tail[:broken]
    return kept + b"\r\n" if kept else b""
