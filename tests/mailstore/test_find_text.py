from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.mailstore.find_header import Header, header_text, name_of, needle_of
from mailserverd.mailstore.find_text import fold, is_plain, mark_of
from mailserverd.wire.mime.headers import index_header


def header_has(header, index, name, needle):
    return Header(header, index).field_has(name_of(name), needle_of(needle))


def may_be_in(needle, header):
    return mark_of(needle) in header.lower() or not is_plain(header)


def test_folding():
    assert fold("STRASSE") == fold("straße")
    assert fold("e\u0301") == fold("É")
    assert fold("e") not in fold("é")


def test_a_field_is_searched_as_it_reads_not_as_it_is_encoded():
    header = b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nX-A:\r\n\r\n"
    index = index_header(header)
    for needle, found in [("grüsse", True), ("r3ldvmofzq", False), ("utf-8", False), ("nothing", False), ("", True)]:
        assert header_has(header, index, "subject", fold(needle)) is found
    assert header_has(header, index, "X-A", "")
    assert not header_has(header, index, "X-B", "")


def test_a_whole_header_is_searched_as_it_reads():
    text = header_text(b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n again\r\nX-A: B\r\n\r\n")
    assert fold("Grüße again") in text
    assert "x-a: b" in text
    assert "r3ldvm" not in text


PIECES = st.lists(
    st.sampled_from(
        [b"Word", b"w", b"ord", b" ", b"\r\n ", b"\n\t", b"\r", b"=?utf-8?q?w=C3=B6rd?=", b"\xc3\xb6", b"=?", b"\x1b(B",
         b"\xef\xbc\xb7ord", b"\x0b", b"\0", b"\xff"]
    ),
    max_size=8,
).map(b"".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    PIECES, st.sampled_from(["word", "w ord", "word w", "ö", "wörd", "w\tord", "\x0b", " ", "", "=?", "wordw", "\0"])
)
def test_what_is_found_was_never_ruled_out(value, needle):
    header = b"Subject: " + value + b"\r\n\r\n"
    needle = fold(needle)
    if header_has(header, index_header(header), "Subject", needle) or needle in header_text(header):
        assert may_be_in(needle, header)


def test_what_a_plain_header_does_not_hold_is_ruled_out():
    header = b"Subject: a Longer word\r\n\r\n"
    assert not may_be_in("missing", header)
    assert not may_be_in("a missing", header)
    assert not may_be_in("ö", header)
    assert may_be_in("a word", header)  # not ruled out, and not found
    assert may_be_in("missing", b"Subject: =?utf-8?q?missing?=\r\n\r\n")


def test_long_texts_are_folded_in_pieces_to_the_same():
    line = "Stra\u00dfe e\u0301 \ufb01 \u1112\u1161\u11ab\n"
    assert fold(line * 20_000) == fold(line) * 20_000
    assert len(fold("\u0390" * 200_000)) >= 200_000
