import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime import headers
from mailserverd.wire.mime.field_picker import pick_fields
from mailserverd.wire.mime.headers import (
    CODES,
    NAMES,
    compile_fields,
    field_name,
    field_values,
    find_header_end,
    index_header,
    read_header,
    unfolded,
)
from mailserverd.wire.mime.limits import MimeLimits

HEADER = (
    b"Received: from a\r\n\tby b\r\n"
    b"From: One <one@example.com>\r\n"
    b"subject : folded\r\n  text\r\n"
    b"X-Odd: 1\r\n"
    b"this is no field\r\n"
    b"TO: two@example.com\r\n"
    b"x-odd: 2\r\n"
    b"\r\n"
)
INDEX = index_header(HEADER)


def pick(*names: bytes, invert: bool = False) -> bytes:
    return compile_fields(names, invert).pick(HEADER, INDEX)


def test_stored_codes_never_change() -> None:
    assert NAMES[1:4] == (b"Date", b"Subject", b"From")
    assert NAMES[headers.CONTENT_LOCATION] == b"Content-Location"
    assert NAMES[headers.REFERENCES] == b"References"
    assert [CODES[name] for name in (b"mime-version", b"received", b"list-id", b"dkim-signature")] == [20, 21, 29, 50]
    assert len({name.lower() for name in NAMES}) == len(NAMES) < 256


def test_select_keeps_octets_order_and_the_empty_line() -> None:
    assert pick(b"to", b"FROM") == b"From: One <one@example.com>\r\nTO: two@example.com\r\n\r\n"
    assert pick(b"Subject") == b"subject : folded\r\n  text\r\n\r\n"


def test_select_finds_names_that_have_no_code_each_time_they_stand() -> None:
    assert pick(b"X-ODD") == b"X-Odd: 1\r\nx-odd: 2\r\n\r\n"
    assert pick(b"x-od") == b"\r\n"


def test_select_not_gives_the_rest_junk_too() -> None:
    assert pick(b"received", b"from", b"subject", b"x-odd", invert=True) == (
        b"this is no field\r\nTO: two@example.com\r\n\r\n"
    )
    assert pick(b"to") + pick(b"to", invert=True)[:-2] != HEADER
    assert len(pick(b"to")) + len(pick(b"to", invert=True)) == len(HEADER) + 2


def test_a_junk_line_is_never_selected_by_its_first_word() -> None:
    assert pick(b"this") == b"\r\n"
    assert field_name(b"this is no field\r\n") == b""
    assert field_name(b"from the shop: hello\r\n") == b""
    assert field_name(b"X-A \t: b") == b"x-a"


def test_without_an_empty_line_none_is_made_up() -> None:
    header = b"From: a@b\r\nTo: c@d"
    index = index_header(header)
    assert compile_fields([b"to"]).pick(header, index) == b"To: c@d"
    assert compile_fields([b"cc"]).pick(header, index) == b""


@pytest.mark.parametrize("header", [b"", b"\r\n", b"\n"])
def test_no_fields_at_all(header: bytes) -> None:
    assert index_header(header) == b""
    assert compile_fields([b"from"]).pick(header, b"") == header
    assert compile_fields([b"from"], invert=True).pick(header, b"") == header


def test_bare_line_feeds() -> None:
    header = b"From: a@b\nTo: c@d\n e\n\n"
    assert compile_fields([b"to"]).pick(header, index_header(header)) == b"To: c@d\n e\n\n"


@pytest.mark.parametrize(
    ("octets", "end"),
    [
        (b"", -1),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"A: b\r\n\r\nbody", 8),
        (b"A: b\n\nbody", 6),
        (b"A: b\n\r\nbody", 7),
        (b"A: b\r\n\nbody\r\n\r\n", 7),
        (b"A: b\r\n \r\nC: d\r\n\r\n", 17),
        (b"A: b\r\n", -1),
        (b"A: b\r\r\n\r\r\n", -1),
    ],
)
def test_the_first_empty_line_ends_the_header(octets: bytes, end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_header_end(octets, 0, len(octets)) == end
    for at_once in range(1, len(octets) + 1):
        monkeypatch.setattr(headers, "_LOOKED_AT_ONCE", at_once)
        assert find_header_end(octets, 0, len(octets)) == end


def test_values_of_the_fields_that_the_scan_reads() -> None:
    _, values = read_header(HEADER)
    assert values[headers.FROM] == b" One <one@example.com>\r\n"
    assert unfolded(values[headers.SUBJECT] or b"") == b"folded  text"
    assert values[headers.DATE] is None


def test_of_a_field_that_stands_twice_the_first_counts_but_addresses_are_joined() -> None:
    _, values = read_header(b"Subject: one\r\nTo: a@b\r\nSubject: two\r\nTo:\r\nTo: c@d\r\n\r\n")
    assert unfolded(values[headers.SUBJECT] or b"") == b"one"
    assert b"".join((values[headers.TO] or b"").split()) == b"a@b,c@d"


def test_field_values() -> None:
    assert field_values(HEADER, INDEX, b"X-Odd") == [b"1", b"2"]
    assert field_values(HEADER, INDEX, b"Subject") == [b"folded  text"]
    assert field_values(HEADER, INDEX, b"received") == [b"from a\tby b"]
    assert field_values(HEADER, INDEX, b"Cc") == []


def test_beyond_the_bounds_the_rest_is_one_field() -> None:
    header = b"".join(b"X-%d: y\r\n" % number for number in range(50)) + b"To: a@b\r\n\r\n"
    for limits in (MimeLimits(header_fields=10), MimeLimits(header_octets=82)):
        index, values = read_header(header, limits)
        assert len(index) // 9 in (10, 11, 12)
        assert values[headers.TO] is None
        assert compile_fields([b"x-1"], invert=True).pick(header, index) == header.replace(b"X-1: y\r\n", b"")


def test_many_fields() -> None:
    header = b"X-A: b\r\n" * 500 + b"\r\n"
    assert len(index_header(header)) == 500 * 9
    assert compile_fields([b"x-a"]).pick(header, index_header(header)) == header


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"From", b"To", b"Subject", b"Date", b"X-Own", b"Received", b"odd line"]), max_size=12),
    st.sets(st.sampled_from([b"from", b"to", b"subject", b"date", b"x-own", b"cc"])),
    st.booleans(),
    st.sampled_from([b"", b"\r\n"]),
)
def test_picked_by_layout_as_by_name(names, wanted, invert, end):
    header = b"".join([b"%b: %d\r\n" % each for each in zip(names, range(99), strict=False)]) + end
    index = index_header(header)
    selector = compile_fields(wanted, invert)
    for _ in range(2):  # a layout is learned, then used
        assert selector.pick(header, index) == selector._pick_by_name(header, index)
    assert pick_fields(selector, header) == selector.pick(header, index)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"From", b"x-own", b" ", b":", b"\t", b"\r\n", b"\n", b"\r", b"word", b"\0"]), max_size=20
    ),
    st.sets(st.sampled_from([b"from", b"x-own", b"to"])),
    st.booleans(),
)
def test_picked_without_an_index_as_with_one(pieces, wanted, invert):
    header = b"".join(pieces)
    selector = compile_fields(wanted, invert)
    assert pick_fields(selector, header) == selector.pick(header, index_header(header))


def test_layouts_are_bounded():
    selector = compile_fields([b"from"])
    for number in range(1000):
        header = b"".join([b"To: x\r\n" if number >> bit & 1 else b"From: x\r\n" for bit in range(10)])
        selector.pick(header, index_header(header))
    assert 0 < len(selector.layouts) <= 256
    many = b"From: x\r\n" * 65
    assert selector.pick(many, index_header(many)) == many
    assert max(map(len, selector.layouts)) <= 64
