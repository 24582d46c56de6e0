"""A command line as a value. Standing rule: any line gives a Command; whether it makes sense the session says."""

from typing import NamedTuple

MAX_LINE_OCTETS = 512  # RFC 2449 §4 says 255; passwords are longer in real life
MAX_SASL_LINE_OCTETS = 12_288 + 64  # RFC 5034 §4: a response may be as long as the mechanism needs
_MAX_NUMBER_DIGITS = 10


class Command(NamedTuple):
    """verb: upper-case. argument: what follows the first space, untouched (a password may hold and end in spaces)."""

    verb: bytes
    argument: bytes


def parse_command(line: bytes) -> Command:
    """A line without its CRLF."""
    verb, _, argument = line.partition(b" ")
    return Command(verb.upper(), argument)


def parse_number(text: bytes) -> int | None:
    """A decimal number without sign, or None. Bounded, so that nobody makes us read a million digits."""
    if not text.isdigit() or len(text) > _MAX_NUMBER_DIGITS:
        return None
    return int(text)


def parse_two_numbers(text: bytes) -> tuple[int, int] | None:
    """TOP's message number and number of lines."""
    parts = text.split()
    if len(parts) != 2:
        return None
    first, second = parse_number(parts[0]), parse_number(parts[1])
    return None if first is None or second is None else (first, second)
