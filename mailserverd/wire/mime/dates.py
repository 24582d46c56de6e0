"""Date fields (RFC 5322 §3.3, obsolete forms of §4.3, and what else is met) to seconds since the epoch.

Two readings: `epoch` is the moment, for SORT; `day` is the calendar day as written, zone disregarded, which is what
SENTBEFORE, SENTON and SENTSINCE compare (RFC 9051 §6.4.4).
"""

import re
from functools import lru_cache
from typing import NamedTuple

SECONDS_A_DAY = 86_400
_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS_BEFORE = (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_IN = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ZONES = {
    b"EST": -300,
    b"EDT": -240,
    b"CST": -360,
    b"CDT": -300,
    b"MST": -420,
    b"MDT": -360,
    b"PST": -480,
    b"PDT": -420,
}

# [ day-name "," ] day month year hour ":" minute [ ":" second ] zone
_read = re.compile(
    rb"\s*(?:[A-Za-z]{2,9}\.?,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3})[A-Za-z]*\.?,?[\s-]+(\d{2,4})"
    rb"(?:,?\s+(\d{1,2})\s*[:.]\s*(\d{1,2})(?:\s*[:.]\s*(\d{1,2}))?(?:\.\d+)?\s*(?:([+-])(\d{2}):?(\d{2})|([A-Za-z]{1,5}))?)?"
).match
# asctime, as Unix tools write it: Thu Aug 22 18:26:25 [zone] 2002
_read_asctime = re.compile(
    rb"\s*(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3})[a-z]*\s+(\d{1,2}),?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?"
    rb"(?:\s+(?:([+-])(\d{2})(\d{2})|([A-Za-z]{1,5})))?\s+(\d{4})"
).match
_read_iso = re.compile(
    rb"\s*(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?"
    rb"\s*(?:([+-])(\d{2}):?(\d{2})|([A-Za-z]{1,5}))?"
).match
# The form that nearly all senders write.
_usual = re.compile(rb"\s*+(?:[A-Z][a-z]{2}, )?(\d\d? [A-Z][a-z]{2} \d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)").match
_comments = re.compile(rb"\([^()]*\)").sub
_MAX_DATE_OCTETS = 200


class SentDate(NamedTuple):
    """epoch: the moment in UTC; day: midnight UTC of the calendar day as it is written."""

    epoch: int
    day: int


def parse_date(value: bytes) -> SentDate | None:
    """The date of a Date field's value; None when it holds none."""
    usual = _usual(value)
    if usual is not None:
        calendar_day, hour, minute, second, zone_hours, zone_minutes = usual.groups()
        day = _midnight(calendar_day)
        if day is not None and hour < b"24" and minute < b"60" and second <= b"60":
            east = int(zone_hours) * 3600 + (int(zone_minutes) if zone_hours[0] == 0x2B else -int(zone_minutes)) * 60
            return SentDate(day + int(hour) * 3600 + int(minute) * 60 + int(second) - east, day)
    return _parse_any_form(value)


@lru_cache(maxsize=128)
def _midnight(calendar_day: bytes) -> int | None:
    """Midnight UTC of a day like "14 Nov 2023"; mail comes in day by day, so it is nearly always known."""
    day, month, year = calendar_day.split()
    found = _moment(year, month, day, (None, None, None), 0)
    return None if found is None else found.day


def _parse_any_form(value: bytes) -> SentDate | None:
    found = _read(value)
    if b"(" in value and (found is None or found[4] is None):
        value = _without_comments(value)
        found = _read(value)
    if found is not None:
        day, month, year, hour, minute, second, sign, zone_hour, zone_minute, zone = found.groups()
        return _moment(year, month, day, (hour, minute, second), _offset(sign, zone_hour, zone_minute, zone))
    found = _read_asctime(value)
    if found is not None:
        month, day, hour, minute, second, sign, zone_hour, zone_minute, zone, year = found.groups()
        return _moment(year, month, day, (hour, minute, second), _offset(sign, zone_hour, zone_minute, zone))
    found = _read_iso(value)
    if found is not None:
        year, number, day, hour, minute, second, sign, zone_hour, zone_minute, zone = found.groups()
        return _moment(year, number, day, (hour, minute, second), _offset(sign, zone_hour, zone_minute, zone))
    return None


def _without_comments(value: bytes) -> bytes:
    """Comments may nest (RFC 5322 §3.2.2); innermost first, and no longer than a date can be."""
    value = value[:_MAX_DATE_OCTETS]
    while True:
        shorter = _comments(b" ", value)
        if shorter == value:
            return value
        value = shorter


def _moment(
    year_text: bytes, month_text: bytes, day_text: bytes, time: tuple[bytes | None, ...], offset: int
) -> SentDate | None:
    year, day = int(year_text), int(day_text)
    month = int(month_text) if month_text.isdigit() else _MONTHS.get(month_text.lower(), 0)
    if len(year_text) < 4:
        # RFC 5322 §4.3: two digits are 2000..2049 or 1950..1999, three digits count from 1900.
        year += 2000 if len(year_text) == 2 and year < 50 else 1900
    if not (1 <= month <= 12 and 1 <= day <= _DAYS_IN[month] and year >= 1):
        return None
    hour, minute, second = (0 if number is None else int(number) for number in time)
    if hour > 24 or minute > 59 or second > 60:  # RFC 5322 §3.3 allows the leap second
        hour = minute = second = 0
    midnight = days_since_epoch(year, month, day) * SECONDS_A_DAY
    return SentDate(midnight + hour * 3600 + minute * 60 + second - offset * 60, midnight)


def days_since_epoch(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the proleptic Gregorian calendar; a day too many of February counts on into March."""
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + _DAYS_BEFORE[month] + day
    if month > 2 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        days += 1
    return days - 719_163


def _offset(sign: bytes | None, hours: bytes | None, minutes: bytes | None, name: bytes | None) -> int:
    """Minutes east of UTC. RFC 5322 §4.3: a zone by any other name, the military letters too, is -0000."""
    if sign is not None and hours is not None and minutes is not None:
        offset = int(hours) * 60 + int(minutes)
        return -offset if sign == b"-" else offset
    return _ZONES.get(name.upper(), 0) if name else 0
