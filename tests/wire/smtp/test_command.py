"""wire/smtp/command.py"""

import pytest

from mailserverd.wire.smtp.command import (
    BODY_8BITMIME,
    BODY_BINARYMIME,
    Chunk,
    Mail,
    parse_bdat,
    parse_mail,
    parse_name,
    parse_rcpt,
)
from mailserverd.wire.smtp.path import NULL, Path
from mailserverd.wire.smtp.reply import BadCommand

ALL = frozenset((b"SIZE", b"BODY", b"SMTPUTF8", b"AUTH"))
A = Path(b"a", b"b.example")


def refusal_of_mail(argument: bytes, allowed: frozenset[bytes] = ALL) -> bytes:
    with pytest.raises(BadCommand) as caught:
        parse_mail(argument, allowed)
    return caught.value.reply[:9]


@pytest.mark.parametrize(
    ("argument", "mail"),
    [
        (b"FROM:<a@b.example>", Mail(A)),
        (b"from:<a@b.example>", Mail(A)),
        (b"FROM: <a@b.example>", Mail(A)),
        (b"FROM:<>", Mail(NULL)),
        (b"FROM:<a@b.example> SIZE=1000", Mail(A, 1000)),
        (b"FROM:<a@b.example> size=1000 body=8bitmime", Mail(A, 1000, BODY_8BITMIME)),
        (b"FROM:<a@b.example> BODY=BINARYMIME SMTPUTF8", Mail(A, 0, BODY_BINARYMIME, True)),
        (b"FROM:<a@b.example>  SIZE=0 ", Mail(A)),
        (b"FROM:<> AUTH=<>", Mail(NULL)),
        (b"FROM:<a@b.example> AUTH=e+3Dmc2@example.com", Mail(A)),
        ("FROM:<ä@b.example> SMTPUTF8".encode(), Mail(Path("ä".encode(), b"b.example"), utf8=True)),
        (b'FROM:<"a b"@b.example> SIZE=1', Mail(Path(b"a b", b"b.example"), 1)),
    ],
)
def test_mail(argument: bytes, mail: Mail) -> None:
    assert parse_mail(argument, ALL) == mail


@pytest.mark.parametrize(
    ("argument", "start"),
    [
        (b"", b"501 5.5.4"),
        (b"<a@b.example>", b"501 5.5.4"),
        (b"TO:<a@b.example>", b"501 5.5.4"),
        (b"FROM:a@b.example", b"501 5.1.7"),
        (b"FROM:<a@b.example", b"501 5.1.7"),
        (b"FROM:  <a@b.example>", b"501 5.1.7"),
        (b"FROM:<a@b.example>SIZE=1", b"501 5.5.4"),
        (b"FROM:<a@b.example> SIZE=", b"501 5.5.4"),
        (b"FROM:<a@b.example> SIZE", b"501 5.5.4"),
        (b"FROM:<a@b.example> SIZE=-1", b"501 5.5.4"),
        (b"FROM:<a@b.example> SIZE=1k", b"501 5.5.4"),
        (b"FROM:<a@b.example> SIZE=" + b"1" * 21, b"501 5.5.4"),
        (b"FROM:<a@b.example> SIZE=1 SIZE=2", b"501 5.5.4"),
        (b"FROM:<a@b.example> BODY=9BIT", b"501 5.5.4"),
        (b"FROM:<a@b.example> BODY", b"501 5.5.4"),
        (b"FROM:<a@b.example> SMTPUTF8=1", b"501 5.5.4"),
        (b"FROM:<a@b.example> AUTH=+zz", b"501 5.5.4"),
        (b"FROM:<a@b.example> BOGUS=1", b"555 5.5.4"),
        (b"FROM:<a@b.example> RET=HDRS", b"555 5.5.4"),
        (b"FROM:<a@b.example> =1", b"501 5.5.4"),
        (b"FROM:<a@b.example>" + b" X=1" * 30, b"501 5.5.4"),
        ("FROM:<ä@b.example>".encode(), b"553 5.6.7"),
    ],
)
def test_what_is_wrong_with_mail(argument: bytes, start: bytes) -> None:
    assert refusal_of_mail(argument) == start


def test_a_parameter_that_was_not_offered_is_unknown() -> None:
    assert refusal_of_mail(b"FROM:<a@b.example> SIZE=1", frozenset()) == b"555 5.5.4"


def test_rcpt() -> None:
    assert parse_rcpt(b"TO:<a@b.example>", False, frozenset())[0] == A
    assert parse_rcpt(b"to: <a@b.example> ", False, frozenset())[0] == A
    assert parse_rcpt(b"TO:<postmaster>", False, frozenset())[0] == Path(b"postmaster", b"")
    assert parse_rcpt("TO:<ä@b.example>".encode(), True, frozenset())[0].local == "ä".encode()


@pytest.mark.parametrize(
    ("argument", "start"),
    [
        (b"TO:<>", b"501 5.1.3"),
        (b"TO:a@b.example", b"501 5.1.3"),
        (b"FROM:<a@b.example>", b"501 5.5.4"),
        (b"TO:<a@b.example> NOTIFY=NEVER", b"555 5.5.4"),
        ("TO:<ä@b.example>".encode(), b"553 5.6.7"),
    ],
)
def test_what_is_wrong_with_rcpt(argument: bytes, start: bytes) -> None:
    with pytest.raises(BadCommand) as caught:
        parse_rcpt(argument, False, frozenset())
    assert caught.value.reply[:9] == start


def test_bdat() -> None:
    assert parse_bdat(b"0") == Chunk(0, False)
    assert parse_bdat(b"1000 LAST") == Chunk(1000, True)
    assert parse_bdat(b"1000 last") == Chunk(1000, True)


@pytest.mark.parametrize(
    "argument", [b"", b"-1", b"x", b"1 FIRST", b"1 LAST LAST", b"+1", b"1" * 30, b"1  LAST", "１".encode()]
)
def test_what_is_wrong_with_bdat(argument: bytes) -> None:
    with pytest.raises(BadCommand) as caught:
        parse_bdat(argument)
    assert caught.value.reply[:9] == b"501 5.5.4"


@pytest.mark.parametrize(
    "name", [b"a", b"mail.example.org", b"[127.0.0.1]", b"[IPv6:::1]", b"my_pc", "bücher.example".encode()]
)
def test_names_of_ehlo(name: bytes) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize("name", [b"", b"a b", b"[1.2.3]", b"a(b)", b"<a>", b'"a"', b"a;b", b"a" * 256, b"a\tb"])
def test_what_is_no_name(name: bytes) -> None:
    with pytest.raises(BadCommand) as caught:
        parse_name(name)
    assert caught.value.reply[:9] == b"501 5.5.4"
