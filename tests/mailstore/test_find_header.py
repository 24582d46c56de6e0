"""What keys find in a header, against the plainest way to look: every field decoded, nothing ruled out beforehand."""

from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailserverd.mailstore import find_header
from mailserverd.mailstore.find_header import Header, LongHeader, name_of, needle_of, runs_of
from mailserverd.mailstore.find_text import fold
from mailserverd.wire.mime.decode import decode_header
from mailserverd.wire.mime.headers import field_values, index_header

FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"Subject", b"SUBJECT", b"From", b"X-Own", b"x-own ", b"X-Other", b"no field"]),
        st.lists(
            st.sampled_from(
                [b"Word", b"w", b"ord", b" ", b"\r\n ", b"\n\t", b"=?utf-8?q?w=C3=B6rd?=", b"=?utf-8?b?d29yZA==?=",
                 b"=?utf-8?q?=0A?=", b"\xc3\xb6", b"=?", b"\x1b(B", b":", b"\xff"]
            ),
            max_size=5,
        ).map(b"".join),
    ),
    max_size=8,
).map(lambda fields: b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n")  # fmt: skip
NAMES = st.sampled_from(["subject", "From", "X-OWN", "x-other", "To", ""])
NEEDLES = st.sampled_from(["word", "W", "ö", "wörd", "word w", "\n", "", "=?", "no", "subject", "ordw", ":"])


def naive(header: bytes, name: str, needle: str) -> bool:
    values = field_values(header, index_header(header), name.encode())
    return any(fold(needle) in fold(decode_header(value)) for value in values)


@settings(max_examples=400, deadline=None)
@given(FIELDS, st.lists(st.tuples(NAMES, NEEDLES), max_size=6))
def test_fields_as_the_naive_way(header, asked):
    one = Header(header, index_header(header))
    for name, needle in asked:
        assert one.field_has(name_of(name), needle_of(needle)) is naive(header, name, needle)


@settings(max_examples=200, deadline=None)
@given(FIELDS, st.lists(st.tuples(NAMES, NEEDLES), max_size=6), st.integers(0, 60))
@example(b"Subject: \xc3\xb6\r\nSubject: \xff\r\n\r\n", [("subject", "ö")], 0)
def test_long_headers_as_short_ones(header, asked, run):
    with patch.object(find_header, "_RUN_OCTETS", run):
        long, short = LongHeader(header), Header(header, index_header(header))
        assert b"".join(runs_of(header)) == header
        for name, needle in asked:
            assert long.field_has(name_of(name), needle_of(needle)) is naive(header, name, needle)
            assert long.first(name_of(name)) == short.first(name_of(name))
            if "\n" not in needle:
                assert long.has(needle_of(needle)) is short.has(needle_of(needle))


@settings(max_examples=200, deadline=None)
@given(FIELDS, NEEDLES)
def test_a_whole_header_as_the_naive_way(header, needle):
    assert Header(header, index_header(header)).has(needle_of(needle)) is (fold(needle) in fold(decode_header(header)))
