"""The scan on anything: it never raises, every offset lies where it must, and what it makes is well-formed IMAP."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime.bodies import body_of
from mailserverd.wire.mime.content import texts_of
from mailserverd.wire.mime.headers import compile_fields, index_header
from mailserverd.wire.mime.limits import MimeLimits
from mailserverd.wire.mime.parts import ENTRY, KIND_MASK, find_section
from mailserverd.wire.mime.record import new_message
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.segments import cut, join, join_range
from mailserverd.wire.mime.structure import LEAF, MESSAGE
from tests.wire.mime.leaves import leaves
from tests.wire.mime.vectors import read_list

FEW = settings(max_examples=200, deadline=None)
SMALL = MimeLimits(depth=4, parts=12, header_octets=300, header_fields=12, part_header_octets=400)

line_ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
words = st.sampled_from(
    [
        b"a@b",
        b"<a@b>",
        b'"x\\"',
        b'"',
        b"(",
        b")",
        b",",
        b";",
        b":",
        b"=",
        b"/",
        b"G:",
        b"\xfc",
        b"\x00",
        b"=?utf-8?q?=C3?=",
        b"=?x?b?a",
        b"text/plain",
        b"text/html",
        b"multipart/mixed",
        b"multipart/digest; boundary=bb",
        b"multipart/alternative; boundary=b",
        b"message/rfc822",
        b"; boundary=b",
        b'; boundary="b b"',
        b"; charset=utf-8",
        b"; name*0*=x''%41",
        b"base64",
        b"quoted-printable",
        b"attachment; filename=f",
        b"Re: [x] (fwd)",
        b"21 Nov 97 09:55",
        b"-0600",
        b" ",
        b"\t",
        b"{3}",
        b"NIL",
    ]
)
names = st.sampled_from(
    [
        b"From",
        b"To",
        b"Cc",
        b"Subject",
        b"Date",
        b"Content-Type",
        b"Content-type ",
        b"Content-Transfer-Encoding",
        b"Content-Disposition",
        b"Content-Language",
        b"Content-ID",
        b"References",
        b"Message-ID",
        b"In-Reply-To",
        b"X-Other",
        b"",
        b" folded",
        b"no field",
    ]
)
values = st.lists(words, max_size=6).map(b" ".join)
fields = st.builds(lambda name, value, end: name + b":" + value + end, names, values, line_ends)
body_lines = st.one_of(
    st.sampled_from(
        [b"--b", b"--b--", b"--bb", b"--b b", b"--bb--", b"--", b"", b"text", b"aGVsbG8=", b"=3D", b"<p>&lt;"]
    ),
    fields,
    st.binary(max_size=20),
)
messages = st.one_of(
    st.binary(max_size=400),
    st.lists(st.one_of(fields, st.builds(bytes.__add__, body_lines, line_ends)), max_size=40).map(b"".join),
)


@FEW
@given(messages, st.sampled_from([MimeLimits(), SMALL]))
def test_offsets_are_inside_and_nested(octets: bytes, limits: MimeLimits) -> None:
    scanned = scan(octets, limits)
    assert 0 <= scanned.body_start <= len(octets)
    entries = list(ENTRY.iter_unpack(scanned.part_map))
    flags, _, _, header_start, body_start, end = entries[0]
    assert (header_start, body_start, end) == (0, scanned.body_start, len(octets))
    seen = 1
    for flags, first, count, header_start, body_start, end in entries:
        assert 0 <= header_start <= body_start <= end <= len(octets)
        kind = flags & KIND_MASK
        assert count == {LEAF: 0, MESSAGE: 1}.get(kind, count)
        assert count or kind == LEAF
        last = body_start
        for child in entries[first : first + count]:
            assert last <= child[3] <= child[5] <= end
            last = child[5]
        if count:
            assert first == seen
            seen += count
    assert seen == len(entries) <= 2 * limits.parts + 2


@FEW
@given(messages)
def test_what_is_sent_is_well_formed(octets: bytes) -> None:
    scanned = scan(octets)
    envelope, end = read_list(scanned.envelope)
    assert end == len(scanned.envelope)
    assert isinstance(envelope, list)
    assert len(envelope) == 10
    structure, end = read_list(scanned.body_structure)
    assert end == len(scanned.body_structure)
    body = body_of(scanned.body_structure)
    without, end = read_list(body)
    assert end == len(body)
    assert leading(structure) == leading(without)
    scanned.preview.decode("utf-8")
    assert len(scanned.preview.decode("utf-8")) <= 256


def leading(body: object) -> object:
    """What BODY and BODYSTRUCTURE share, as deep as it goes."""
    if not isinstance(body, list):
        return body
    if isinstance(body[0], list):
        count = next(place for place, item in enumerate(body) if isinstance(item, bytes))
        return [*(leading(part) for part in body[:count]), body[count]]
    return body[:7]


@FEW
@given(messages)
def test_every_part_can_be_fetched(octets: bytes) -> None:
    part_map = scan(octets).part_map
    for part in leaves(part_map):
        assert find_section(part_map, part.number, None) == (part.body_start, part.end)
        assert find_section(part_map, part.number, "MIME") == (part.header_start, part.body_start)
    assert len(list(texts_of(octets))) >= sum(part.is_text and part.end > part.body_start for part in leaves(part_map))
    header, text = find_section(part_map, (), "HEADER"), find_section(part_map, (), "TEXT")
    assert header is not None
    assert text is not None
    assert octets[header[0] : header[1]] + octets[text[0] : text[1]] == octets


@FEW
@given(messages, st.lists(names.filter(bool), max_size=4))
def test_fields_and_the_others_make_the_header(octets: bytes, wanted: list[bytes]) -> None:
    scanned = scan(octets)
    header = octets[: scanned.body_start]
    assert index_header(header) == scanned.header_index
    end = int.from_bytes(scanned.header_index[-4:], "little")
    picked = compile_fields(wanted).pick(header, scanned.header_index)
    others = compile_fields(wanted, invert=True).pick(header, scanned.header_index)
    assert len(picked) + len(others) == len(header) + len(header[end:])
    assert compile_fields([], invert=True).pick(header, scanned.header_index) == header


@FEW
@given(messages, st.integers(0, 500), st.integers(0, 500), st.sampled_from([1, 8, 40]))
def test_segments_give_every_octet_back(octets: bytes, start: int, stop: int, threshold: int) -> None:
    found = cut(octets, scan(octets).part_map, threshold)
    blobs = dict(found.blobs)
    assert join(found.segments, blobs.__getitem__) == octets
    assert join_range(found.segments, start, stop, blobs.__getitem__) == octets[start:stop]


@FEW
@given(st.lists(st.binary(max_size=100), max_size=6))
def test_the_same_octets_give_the_same_record_however_they_came(chunks: list[bytes]) -> None:
    octets = b"".join(chunks)
    assert new_message(octets) == new_message(bytes(bytearray(octets)))
    assert new_message(octets).message.size == sum(map(len, chunks))
