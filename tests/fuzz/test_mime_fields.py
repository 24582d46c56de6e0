"""Readers of header values on anything: they never raise, and what was written is read back."""

import base64
from string import printable

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime.addresses import Address, parse_addresses, read_list
from mailserverd.wire.mime.charsets import decode_charset
from mailserverd.wire.mime.content import decode_octets
from mailserverd.wire.mime.dates import parse_date
from mailserverd.wire.mime.decode import decode_header, decode_parameter
from mailserverd.wire.mime.fields import parse_content_type, parse_disposition, parse_encoding, parse_languages
from mailserverd.wire.mime.html import text_of_html
from mailserverd.wire.mime.message_ids import message_id, references
from mailserverd.wire.mime.quoting import string
from mailserverd.wire.mime.subject import base_subject
from tests.wire.mime.vectors import read_list as read_imap_list

FEW = settings(max_examples=150, deadline=None)
anything = st.one_of(
    st.binary(max_size=120),
    st.text(printable + "\x00é=?*'%", max_size=120).map(lambda text: text.encode("latin-1", "replace")),
    st.text("<>@,:;.()\"\\ []=?*'/a\r\n", max_size=60).map(str.encode),
)
atoms = st.text("abcXYZ019-_", min_size=1, max_size=8).map(str.encode)
phrases = st.binary(min_size=1, max_size=20).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"") or b"x")


@FEW
@given(anything)
def test_nothing_raises(value: bytes) -> None:
    parse_date(value)
    decode_header(value)
    parse_disposition(value)
    parse_encoding(value)
    parse_languages(value)
    message_id(value)
    references(value, value)
    base_subject(value)
    parsed = parse_content_type(value)
    if parsed is not None:
        decode_parameter(parsed[2], b"name")
    for encoding in range(5):
        decode_octets(value, encoding)
    text_of_html(value.decode("latin-1"))


@FEW
@given(anything, anything)
def test_any_charset_gives_text(octets: bytes, charset: bytes) -> None:
    assert isinstance(decode_charset(octets, charset), str)


@FEW
@given(anything)
def test_address_lists_are_well_formed(value: bytes) -> None:
    wire = read_list(value).wire
    found, end = read_imap_list(wire)
    assert end == len(wire)
    expected = [list(address) for address in parse_addresses(value)]
    # a quoted string and a literal read the same
    assert found == (expected or None)
    depth = 0
    for address in parse_addresses(value):
        if address.host is None:
            depth += 1 if address.mailbox is not None else -1
        assert 0 <= depth <= 1
    assert depth == 0


@FEW
@given(st.lists(st.tuples(phrases, atoms, atoms), max_size=4))
def test_addresses_that_are_written_are_read(people: list[tuple[bytes, bytes, bytes]]) -> None:
    value = b", ".join(
        b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'" <' + mailbox + b"@" + host + b">"
        for name, mailbox, host in people
    )
    assert parse_addresses(value) == [Address(name, None, mailbox, host) for name, mailbox, host in people]


@FEW
@given(st.text(max_size=40))
def test_encoded_words_that_are_written_are_read(text: str) -> None:
    octets = text.encode("utf-8", "replace")
    word = b"=?utf-8?b?" + base64.b64encode(octets) + b"?="
    assert decode_header(word) == octets.decode("utf-8")


@FEW
@given(st.text(max_size=30), st.integers(1, 9))
def test_parameters_in_pieces_are_read(text: str, size: int) -> None:
    encoded = b"".join(b"%%%02X" % octet for octet in text.encode("utf-8", "replace"))
    pieces = [encoded[place : place + 3 * size] for place in range(0, len(encoded), 3 * size)][:900] or [b""]
    pieces[0] = b"utf-8''" + pieces[0]
    parameters = tuple((b"name*%d*" % number, piece) for number, piece in enumerate(pieces))
    assert decode_parameter(parameters, b"name") == text.encode("utf-8", "replace").decode("utf-8")


@FEW
@given(st.binary(max_size=60))
def test_strings_are_read_back(octets: bytes) -> None:
    assert read_imap_list(string(octets)) == (octets, len(string(octets)))
