import pytest

from mailserverd.wire.pop3.command import Command, parse_command, parse_number, parse_two_numbers


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"STAT", Command(b"STAT", b"")),
        (b"retr 1", Command(b"RETR", b"1")),
        (b"PASS  two  words ", Command(b"PASS", b" two  words ")),
        (b"", Command(b"", b"")),
        (b"\xff\xfe x", Command(b"\xff\xfe", b"x")),
    ],
)
def test_commands(line, command):
    assert parse_command(line) == command


@pytest.mark.parametrize(("text", "number"), [(b"1", 1), (b"007", 7), (b"4294967295", 4294967295)])
def test_numbers(text, number):
    assert parse_number(text) == number


@pytest.mark.parametrize("text", [b"", b"-1", b"+1", b"1.0", b"1 2", b"x", b"1" * 11, b"\xb2", "١".encode()])
def test_what_is_no_number(text):
    assert parse_number(text) is None


def test_two_numbers():
    assert parse_two_numbers(b"1 20") == (1, 20)
    assert parse_two_numbers(b" 1  20 ") == (1, 20)
    for text in (b"", b"1", b"1 2 3", b"1 x", b"-1 2"):
        assert parse_two_numbers(text) is None
