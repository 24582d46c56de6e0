"""Dates: date-time of APPEND and INTERNALDATE, date of SEARCH (RFC 9051 §9).

Standing rule: a date that no calendar has is BadSyntax.
"""

import re
from datetime import date

from mailserverd.wire.imap.syntax_error import BadSyntax

MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_MONTH_NUMBERS = {name.upper(): number for number, name in enumerate(MONTHS, 1)}
_DATE = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\Z")
_DATE_TIME = re.compile(
    rb"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})\Z"
)


def parse_date(text: bytes) -> int:
    """Midnight UTC of the calendar day, seconds since the epoch."""
    match = _DATE.match(text)
    if match is None:
        raise BadSyntax("Expected a date such as 1-Feb-2024")
    return _midnight(match[1], match[2], match[3])


def _midnight(day: bytes, month: bytes, year: bytes) -> int:
    number = _MONTH_NUMBERS.get(month.upper())
    if number is None:
        raise BadSyntax("No such month")
    try:
        return (date(int(year), number, int(day)).toordinal() - 719163) * 86400
    except ValueError:
        raise BadSyntax("No such date") from None


def parse_date_time(text: bytes) -> tuple[int, int]:
    """Seconds since the epoch, and minutes east of UTC."""
    match = _DATE_TIME.match(text)
    if match is None:
        raise BadSyntax('Expected a date-time such as " 1-Feb-2024 12:00:00 +0000"')
    hour, minute, second, zone_hours, zone_minutes = (int(match[i]) for i in (4, 5, 6, 8, 9))
    if hour > 23 or minute > 59 or second > 60 or zone_minutes > 59 or zone_hours > 23:
        raise BadSyntax("No such time")
    offset = zone_hours * 60 + zone_minutes
    if match[7] == b"-":
        offset = -offset
    local = _midnight(match[1].strip(), match[2], match[3]) + hour * 3600 + minute * 60 + second
    return local - offset * 60, offset
