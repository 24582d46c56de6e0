"""Date-times written the plain way, to compare with."""

from time import gmtime

from mailserverd.wire.imap.dates import MONTHS


def format_date_time(seconds: int, offset: int) -> bytes:
    """The date-time with its quotes."""
    moment = gmtime(seconds + offset * 60)
    sign = b"-" if offset < 0 else b"+"
    return b'"%2d-%b-%04d %02d:%02d:%02d %b%02d%02d"' % (
        moment.tm_mday,
        MONTHS[moment.tm_mon - 1],
        moment.tm_year,
        moment.tm_hour,
        moment.tm_min,
        moment.tm_sec,
        sign,
        *divmod(abs(offset), 60),
    )
