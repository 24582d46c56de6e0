import calendar

import pytest

from mailserverd.wire.mime.dates import SECONDS_A_DAY, days_since_epoch, parse_date


def utc(*moment: int) -> int:
    return calendar.timegm((*moment, 0, 0, 0) if len(moment) == 6 else (*moment, 0, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("value", "epoch"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", utc(1997, 11, 21, 15, 55, 6)),
        (b" Fri, 21 Nov 1997 09:55:06 -0600\r\n", utc(1997, 11, 21, 15, 55, 6)),
        (b"21 Nov 1997 09:55 +0530", utc(1997, 11, 21, 4, 25, 0)),
        (b"21 Nov 97 09:55:06 GMT", utc(1997, 11, 21, 9, 55, 6)),
        (b"21 Nov 03 09:55:06 EST", utc(2003, 11, 21, 14, 55, 6)),
        (b"21 Nov 103 09:55:06 Z", utc(2003, 11, 21, 9, 55, 6)),
        (b"Thu,\r\n 13\r\n Feb\r\n 1969 23:32 -0330 (Newfoundland Time)", utc(1969, 2, 14, 3, 2, 0)),
        (b"Tue, 1 Jul 2003 ((tricky)\n c) 10:52:37 +0200", utc(2003, 7, 1, 8, 52, 37)),
        (b"21-Nov-1997 09:55:06 -0600", utc(1997, 11, 21, 15, 55, 6)),
        (b"Thu Aug 22 18:26:25 2002", utc(2002, 8, 22, 18, 26, 25)),
        (b"Thu Aug 22 18:26:25 PDT 2002", utc(2002, 8, 23, 1, 26, 25)),
        (b"2002-08-22T18:26:25+02:00", utc(2002, 8, 22, 16, 26, 25)),
        (b"1 Jan 2000 00:00:60 +0000", utc(2000, 1, 1, 0, 1, 0)),
        (b"29 Feb 2000 12:00:00 +0000", utc(2000, 2, 29, 12, 0, 0)),
        (b"21 Nov 1997", utc(1997, 11, 21)),
        (b"21 Nov 1997 99:99:99 +0000", utc(1997, 11, 21)),
        (b"21 November 1997 09:55:06 QQQ", utc(1997, 11, 21, 9, 55, 6)),
    ],
)
def test_moments(value: bytes, epoch: int) -> None:
    found = parse_date(value)
    assert found is not None
    assert found.epoch == epoch


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"now",
        b"32 Nov 1997 00:00:00 +0000",
        b"1 Foo 1997",
        b"0 Jan 1997",
        b"((((",
        b"2002-13-01T00:00",
        b"x" * 9999,
    ],
)
def test_no_date(value: bytes) -> None:
    assert parse_date(value) is None


def test_the_day_is_the_one_that_is_written() -> None:
    # RFC 9051 §6.4.4 SENTON: disregarding time and timezone
    found = parse_date(b"Fri, 21 Nov 1997 23:55:06 -0600")
    assert found is not None
    assert found.day == utc(1997, 11, 21)
    assert found.epoch == utc(1997, 11, 22, 5, 55, 6)


def test_days_are_those_of_the_calendar() -> None:
    for year in (1, 1600, 1899, 1900, 1904, 1970, 1999, 2000, 2024, 2100, 9999):
        for month in range(1, 13):
            assert days_since_epoch(year, month, 1) * SECONDS_A_DAY == utc(year, month, 1)
