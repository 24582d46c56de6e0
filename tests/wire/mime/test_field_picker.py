"""Fields picked out of a header that comes in pieces: the same octets wherever it is cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime import field_picker
from mailserverd.wire.mime.field_picker import FieldPicker, pick_fields, picked_pieces
from mailserverd.wire.mime.headers import compile_fields, index_header

TOKENS = [
    b"From",
    b"x-own",
    b" ",
    b":",
    b"\t",
    b"\r\n",
    b"\n",
    b"\r",
    b"word",
    b"\0",
    b"From: a\r\n",
    b"x-own : b\r\n c",
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(TOKENS), max_size=6).map(b"".join), max_size=8),
    st.sets(st.sampled_from([b"from", b"x-own", b"to"])),
    st.booleans(),
)
def test_however_it_is_cut(pieces, wanted, invert):
    header = b"".join(pieces)
    selector = compile_fields(wanted, invert)
    expected = b"".join([name + rest for name, rest in field_picker.split_fields(header) if selector.wants(name, rest)])
    assert b"".join(picked_pieces(selector, pieces)) == expected
    assert b"".join(picked_pieces(selector, [header[at : at + 1] for at in range(len(header))])) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([b"From", b"X-Own", b"To"]), st.integers(0, 50_000)), max_size=6),
    st.booleans(),
)
def test_long_fields_as_by_the_index(fields, invert):
    header = b"".join([b"%b: %b\r\n" % (name, b"x" * length) for name, length in fields]) + b"\r\n"
    selector = compile_fields([b"from", b"x-own"], invert)
    if len(header) <= 262_144:
        assert pick_fields(selector, header) == selector.pick(header, index_header(header))


def test_nothing_is_held_of_what_is_judged():
    picker = FieldPicker(compile_fields([b"from"]))
    assert picker.feed(b"From: begins") == b"From: begins"
    assert picker.feed(b" and goes on\r\n") == b" and goes on\r"
    assert picker.feed(b" to here\r\nTo") == b"\n to here\r\n"
    assert picker.feed(b": nobody\r\n fr", True) == b""


def test_a_line_without_end_or_colon_is_not_held_for_ever():
    for octet in (b"x", b" "):
        picker = FieldPicker(compile_fields([b"from"], invert=True))
        given = [picker.feed(b"x" + octet * 65_535) for _ in range(8)]
        assert max(map(len, given)) <= 2 * field_picker.MAX_NAME_OCTETS
        assert sum(map(len, given)) + len(picker.feed(b"", True)) == 8 * 65_536
        assert len(picker._held) <= 1
