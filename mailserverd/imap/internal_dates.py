"""INTERNALDATE of many messages: the day, the minute and the zone are texts made before.

Standing rule: a date-time of RFC 9051 §9, quotes included; tests/wire/imap/slow_dates.py writes it the plain way.
"""

from collections.abc import Sequence
from time import gmtime

from mailserverd.model.message import MessageRow
from mailserverd.wire.imap.dates import MONTHS

MAX_DAYS = 4_096
_MINUTES = tuple(b"%02d:%02d:" % divmod(minute, 60) for minute in range(1440))
_SECONDS = tuple(b"%02d " % second for second in range(60))


class _Days(dict[int, bytes]):
    def __missing__(self, day: int) -> bytes:
        if len(self) >= MAX_DAYS:
            self.clear()
        moment = gmtime(day * 86400)
        text = self[day] = b'"%2d-%b-%04d ' % (moment.tm_mday, MONTHS[moment.tm_mon - 1], moment.tm_year)
        return text


class _Zones(dict[int, bytes]):
    def __missing__(self, offset: int) -> bytes:
        if len(self) >= MAX_DAYS:
            self.clear()
        sign = b"-" if offset < 0 else b"+"
        text = self[offset] = b'%b%02d%02d"' % (sign, *divmod(abs(offset), 60))
        return text


_days = _Days()
_zones = _Zones()


def internal_dates(rows: Sequence[MessageRow]) -> list[bytes]:
    days, zones, minutes, seconds = _days, _zones, _MINUTES, _SECONDS
    texts = []
    for row in rows:
        offset = row[4]
        minute, second = divmod(row[3] + offset * 60, 60)
        day, minute = divmod(minute, 1440)
        texts.append(days[day] + minutes[minute] + seconds[second] + zones[offset])
    return texts
