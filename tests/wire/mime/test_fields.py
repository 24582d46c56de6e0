import pytest

from mailserverd.wire.mime.fields import (
    parameter,
    parse_content_type,
    parse_disposition,
    parse_encoding,
    parse_languages,
    without_comments,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" text/plain; charset=us-ascii\r\n", (b"text", b"plain", ((b"charset", b"us-ascii"),))),
        (b"TEXT/Html", (b"TEXT", b"Html", ())),
        (b"text/plain; charset=us-ascii (Plain text)", (b"text", b"plain", ((b"charset", b"us-ascii"),))),
        (b'a/b; c="d e"; f="g\\"h"', (b"a", b"b", ((b"c", b"d e"), (b"f", b'g"h')))),
        (b'a/b;\r\n\tc="d\r\n e"', (b"a", b"b", ((b"c", b"d e"),))),
        (b"a/b; c = d ;; e=f;", (b"a", b"b", ((b"c", b"d"), (b"e", b"f")))),
        (b"a/b; name=two words.txt; x=y", (b"a", b"b", ((b"name", b"two words.txt"), (b"x", b"y")))),
        (b'a/b; c="unended; d=e', (b"a", b"b", ((b"c", b"unended; d=e"),))),
        (b"a/b; junk; c=d", (b"a", b"b", ((b"c", b"d"),))),
        (b'a/b; junk "x;y=z"; c=d', (b"a", b"b", ((b"c", b"d"),))),
        (b"a/b; c*0*=utf-8''x; c*1=y", (b"a", b"b", ((b"c*0*", b"utf-8''x"), (b"c*1", b"y")))),
        (b"a / b; c=", (b"a", b"b", ((b"c", b""),))),
        (b"(x)a/b(y);c=d", (b"a", b"b", ((b"c", b"d"),))),
        (b"text", None),
        (b"", None),
        (b"/", None),
    ],
)
def test_content_type(value: bytes, expected: object) -> None:
    assert parse_content_type(value) == expected


def test_parameters_are_bounded() -> None:
    parsed = parse_content_type(b"a/b" + b";c=d" * 1000)
    assert parsed is not None
    assert len(parsed[2]) == 256


def test_parameter_names_in_any_case() -> None:
    assert parameter(((b"A", b"1"), (b"Charset", b"2")), b"charset") == b"2"
    assert parameter((), b"charset") is None


def test_disposition() -> None:
    assert parse_disposition(b' attachment; filename="a b"') == (b"attachment", ((b"filename", b"a b"),))
    assert parse_disposition(b"inline") == (b"inline", ())
    assert parse_disposition(b' ; filename="x"') is None


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (b" base64\r\n", b"base64"),
        (b"8BIT (x)", b"8BIT"),
        (b'"7bit"', b"7bit"),
        (b"7bit;", b"7bit"),
        (b"?invalid", None),
        (b"", None),
        (b"a b", None),
    ],
)
def test_encoding(value: bytes, encoding: bytes | None) -> None:
    assert parse_encoding(value) == encoding


def test_languages() -> None:
    assert parse_languages(b" en, fi (x), se-SE\r\n") == [b"en", b"fi", b"se-SE"]
    assert parse_languages(b"") == []


def test_comments() -> None:
    assert without_comments(b"a (b (c) \\) d) e") == b"a   e"
    assert without_comments(b'"(kept)" (gone)') == b'"(kept)"  '
    assert without_comments(b"a (unended") == b"a (unended"
