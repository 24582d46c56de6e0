"""wire/smtp/path.py: RFC 5321 §4.1.2, RFC 6531 §3.3."""

import pytest

from mailserverd.wire.smtp.path import NULL, BadPath, Path, is_literal, parse_path

GOOD = [
    (b"<a@b>", Path(b"a", b"b")),
    (b"<Anna.Lee+tag@Example.ORG>", Path(b"Anna.Lee+tag", b"Example.ORG")),
    (b"<!#$%&'*+-/=?^_`{|}~@b.example>", Path(b"!#$%&'*+-/=?^_`{|}~", b"b.example")),
    (b'<"a b"@c.example>', Path(b"a b", b"c.example")),
    (b'<"a\\"b\\\\c"@c.example>', Path(b'a"b\\c', b"c.example")),
    (b'<"a@b>c"@d.example>', Path(b"a@b>c", b"d.example")),
    (b"<@one.example,@two.example:a@b.example>", Path(b"a", b"b.example")),
    (b"<a@[127.0.0.1]>", Path(b"a", b"[127.0.0.1]")),
    (b"<a@[IPv6:2001:db8::1]>", Path(b"a", b"[IPv6:2001:db8::1]")),
    (b"<a@under_score.example>", Path(b"a", b"under_score.example")),
    ("<jürgen@bücher.example>".encode(), Path("jürgen".encode(), "bücher.example".encode())),
]


@pytest.mark.parametrize(("text", "path"), GOOD)
def test_good_paths(text: bytes, path: Path) -> None:
    assert parse_path(text, 0, forward=True) == (path, len(text))
    assert parse_path(b"FROM:" + text + b" SIZE=1", 5, forward=False) == (path, 5 + len(text))


BAD = [
    b"",
    b"a@b",
    b"<a@b",
    b"<a>",
    b"<@b>",
    b"<a@>",
    b"<a@@b>",
    b"<a b@c>",
    b"<.a@b>",
    b"<a.@b>",
    b"<a..c@b>",
    b"<a@b..c>",
    b"<a@.b>",
    b"<a@b.>",
    b"<a@-b>",
    b"<a@b->",
    b"<a@b.-c>",
    b"<a@b c>",
    b"<a@[1.2.3]>",
    b"<a@[1.2.3.400]>",
    b"<a@[IPv6:1::2::3]>",
    b"<a@[]>",
    b'<"a@b>',
    b'<"a"b@c>',
    b'<""@c>',
    b"<a@b<c>",
    b"<@one.example a@b>",
    b"<\xff\xfe@b>",
    b"<a@\xff>",
    "<a\x85b@c>".encode(),
    b"<" + b"a" * 250 + b"@example.org>",
    b"<a@" + b"b" * 64 + b".example>",
    b"<a@" + b".".join([b"b" * 60] * 5) + b">",
]


@pytest.mark.parametrize("text", BAD)
def test_bad_paths(text: bytes) -> None:
    with pytest.raises(BadPath):
        parse_path(text, 0, forward=True)


def test_the_null_path_is_a_senders_only() -> None:
    assert parse_path(b"<>", 0, forward=False) == (NULL, 2)
    assert NULL.is_null
    assert NULL.wire == b""
    with pytest.raises(BadPath):
        parse_path(b"<>", 0, forward=True)


def test_postmaster_needs_no_domain_but_as_a_recipient() -> None:
    """RFC 5321 §4.5.1."""
    assert parse_path(b"<PostMaster>", 0, forward=True) == (Path(b"PostMaster", b""), 12)
    with pytest.raises(BadPath):
        parse_path(b"<postmaster>", 0, forward=False)


def test_a_local_part_is_quoted_again_where_it_must_be() -> None:
    assert Path(b'a"b\\c d', b"x").wire == b'"a\\"b\\\\c d"@x'
    assert Path(b"a.b", b"x").wire == b"a.b@x"
    assert Path(b"a.b", b"x").address == "a.b@x"


def test_only_what_is_a_literal_is_one() -> None:
    assert is_literal(b"[127.0.0.1]")
    assert is_literal(b"[tag:content]")
    assert not is_literal(b"127.0.0.1")
    assert not is_literal(b"[999.0.0.1]")
    assert not is_literal(b"[\xff]")
