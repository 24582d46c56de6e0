import pytest

from mailserverd.wire.mime.addresses import EMPTY, Address, parse_addresses, read_list, unquoted

END = Address(None, None, None, None)


def group(name: bytes) -> Address:
    return Address(None, None, name, None)


def simple(mailbox: bytes, host: bytes, name: bytes | None = None) -> Address:
    return Address(name, None, mailbox, host)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b" \r\n ", []),
        (b",,;", []),
        (b"a@b", [simple(b"a", b"b")]),
        (b" a.b@c.d\r\n", [simple(b"a.b", b"c.d")]),
        (b"A B <a@b>, <c@d>,e@f", [simple(b"a", b"b", b"A B"), simple(b"c", b"d"), simple(b"e", b"f")]),
        (b"A  B\r\n C <a@b>", [simple(b"a", b"b", b"A B C")]),
        (b"John Q. Public <a@b>", [simple(b"a", b"b", b"John Q. Public")]),
        (b'"Q, \\"x\\" \\\\" <a@b>', [simple(b"a", b"b", b'Q, "x" \\')]),
        (b'"two  spaces" <a@b>', [simple(b"a", b"b", b"two  spaces")]),
        (b'"folded\r\n name" <a@b>', [simple(b"a", b"b", b"folded name")]),
        (b'"" <a@b>', [simple(b"a", b"b")]),
        (b"a@b (Real Name)", [simple(b"a", b"b", b"Real Name")]),
        (b"(c1) a (c2) @ b (Na (me) \\) x)", [simple(b"a", b"b", b"Na (me) ) x")]),
        (b"X (not this) <a@b>", [simple(b"a", b"b", b"X")]),
        (b"<@r1,@r2:a@b>", [Address(None, b"@r1,@r2", b"a", b"b")]),
        (b'"a b"@c', [simple(b"a b", b"c")]),
        (b"a . b @ c . d", [simple(b"a.b", b"c.d")]),
        (b"a@[192.0.2.1]", [simple(b"a", b"[192.0.2.1]")]),
        (b"G:;", [group(b"G"), END]),
        (
            b"My G: a@b, N <c@d>;, e@f",
            [group(b"My G"), simple(b"a", b"b"), simple(b"c", b"d", b"N"), END, simple(b"e", b"f")],
        ),
        (b"G: a@b", [group(b"G"), simple(b"a", b"b"), END]),
        (b"undisclosed", [simple(b"undisclosed", b"MISSING_DOMAIN")]),
        (b"Name <>", [simple(b"MISSING_MAILBOX", b"MISSING_DOMAIN", b"Name")]),
        (b"@b", [simple(b"MISSING_MAILBOX", b"b")]),
        (b"Name <a@b", [simple(b"a", b"b", b"Name")]),
        (b"a@b c@d", [simple(b"a", b"bc@d")]),
        (b"=?utf-8?q?J=C3=BC?= <a@b>", [simple(b"a", b"b", b"=?utf-8?q?J=C3=BC?=")]),
        (b"J\xfcrgen <a@b>", [simple(b"a", b"b", b"J\xfcrgen")]),
        (b'"unended', [simple(b"unended", b"MISSING_DOMAIN")]),
        (b"(unended", []),
    ],
)
def test_parse(value: bytes, expected: list[Address]) -> None:
    assert parse_addresses(value) == expected


def test_a_list_as_envelope_shows_it() -> None:
    found = read_list(b'N <a@b>, "q\\"" <c@d>, G: e@f;')
    assert found.wire == (b'(("N" NIL "a" "b")("q\\"" NIL "c" "d")(NIL NIL "G" NIL)(NIL NIL "e" "f")(NIL NIL NIL NIL))')
    assert (found.mailbox, found.display) == (b"a", b"n")


def test_an_empty_list_is_nil() -> None:
    assert read_list(b" ") is EMPTY
    assert EMPTY.wire == b"NIL"


def test_8_bit_names_go_as_literals() -> None:
    assert read_list(b"\xfc <a@b>").wire == b'(({1}\r\n\xfc NIL "a" "b"))'


@pytest.mark.parametrize(
    ("value", "mailbox", "display"),
    [
        (b"a@b", b"a", b"a@b"),
        (b"N <a@b>, x@y", b"a", b"n"),
        (b'"N M" <a@b>', b"a", b"n m"),
        (b"G: a@b;", b"g", b"g"),
    ],
)
def test_first_mailbox_and_display(value: bytes, mailbox: bytes, display: bytes) -> None:
    assert read_list(value)[1:] == (mailbox, display)


def test_long_lists_are_bounded() -> None:
    assert len(parse_addresses(b"a@b," * 20_000)) == 10_000
    assert len(parse_addresses(b"a(x)@b," * 20_000)) == 10_000


def test_unquoted() -> None:
    assert unquoted(b'a\\\\\\"b\r\n c') == b'a\\"b c'
