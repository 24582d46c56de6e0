from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.imap.internal_dates import internal_dates
from mailserverd.model.message import MessageRow
from tests.wire.imap.slow_dates import format_date_time


@settings(max_examples=200, deadline=None)
@given(st.integers(-2_000_000_000, 200_000_000_000), st.integers(-1439, 1439))
def test_as_the_slow_way_writes_it(seconds, offset):
    row = MessageRow(1, b"", b"", seconds, offset, 0, 0, False, b"", b"", b"", b"", b"", b"", None, None, None, 0)
    assert internal_dates([row]) == [format_date_time(seconds, offset)]
