import pytest

from mailserverd.wire.mime.quoting import nstring, string


@pytest.mark.parametrize(
    ("octets", "wire"),
    [
        (b"", b'""'),
        (b"a b", b'"a b"'),
        (b'a"b\\', b'"a\\"b\\\\"'),
        (b"a\tb\x7f", b'"a\tb\x7f"'),
        (b"\xfc", b"{1}\r\n\xfc"),
        (b"a\x00b", b"{3}\r\na\x00b"),
        (b"a\rb", b"{3}\r\na\rb"),
        (b"a\nb", b"{3}\r\na\nb"),
        (b"NIL", b'"NIL"'),
    ],
)
def test_string(octets: bytes, wire: bytes) -> None:
    assert string(octets) == nstring(octets) == wire


def test_long_strings_go_as_literals() -> None:
    assert string(b"x" * 5000) == b"{5000}\r\n" + b"x" * 5000


def test_none_is_nil() -> None:
    assert nstring(None) == b"NIL"
