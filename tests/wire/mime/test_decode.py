from time import process_time

import pytest

from mailserverd.wire.mime.decode import decode_header, decode_parameter, lenient_base64


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?J=C3=BCrgen?=", "Jürgen"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?iso-8859-1*en?b?/OQ=?=", "üä"),
        # RFC 2047 §6.2: white space between two encoded words is not shown
        (b"=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        (b"=?utf-8?q?a?=\r\n =?iso-8859-1?q?b?=", "ab"),
        (b"x =?utf-8?q?a?= y", "x a y"),
        # a field in no declared charset says nothing of the one beside it
        (b"A: \xc3\xb6\r\nB: \xff\r\n", "A: ö\r\nB: ÿ\r\n"),
        # a character cut in two by the sender
        (b"=?utf-8?b?w7w=?= =?utf-8?b?ww==?= =?utf-8?b?vA==?=", "üü"),
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?utf-8?b?w7w?=", "ü"),
        (b"=?nonsense-7?q?a=FC?=", "aü"),
        (b"=?idna?q?xn--a?=", "xn--a"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-8?q?a", "=?utf-8?q?a"),
        (b"=?", "=?"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9 \x80", "café €"),
        (b"a\r\n\tb", "a\tb"),
        (b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        (b"\x1b$BF|K\\\x1b(B", "日本"),
        (b"=?gb2312?b?xOO6ww==?=", "你好"),
    ],
)
def test_header_text(value: bytes, text: str) -> None:
    assert decode_header(value) == text


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ((), None),
        (((b"name", b"a.txt"),), "a.txt"),
        (((b"NAME", b"a.txt"), (b"name", b"b.txt")), "a.txt"),
        (((b"name*", b"utf-8'en'J%C3%BC.txt"),), "Jü.txt"),
        (((b"name", b"x"), (b"name*", b"utf-8''y")), "y"),
        (((b"name*", b"no quotes%20"),), "no quotes "),
        (((b"name*0", b"a"), (b"name*1", b"b.txt")), "ab.txt"),
        (((b"name*1*", b"%A9"), (b"name*0*", b"utf-8''%C3")), "é"),
        (((b"name*0*", b"iso-8859-1''%FC"), (b"name*1", b"%41"), (b"name*3", b"lost")), "ü%41"),
        (((b"name*1", b"b"),), None),
        (((b"name", b"=?utf-8?q?J=C3=BC?="),), "Jü"),
        (((b"name*x", b"b"), (b"rename", b"c")), None),
    ],
)
def test_parameters(parameters: tuple[tuple[bytes, bytes], ...], text: str | None) -> None:
    assert decode_parameter(parameters, b"name") == text


@pytest.mark.parametrize(
    ("encoded", "octets"),
    [
        (b"", b""),
        (b"aGk=", b"hi"),
        (b"aGk", b"hi"),
        (b"a G\r\nk = !", b"hi"),
        (b"aGk=aGk=", b"hihi"),
        (b"a", b""),
        (b"aGkhx", b"hi!"),
        (b"====", b""),
        (b"\xff\xfe", b""),
    ],
)
def test_base64_of_any_kind(encoded: bytes, octets: bytes) -> None:
    assert lenient_base64(encoded) == octets


def test_base64_that_is_all_padding_takes_no_time() -> None:
    began = process_time()
    assert lenient_base64(b"aGk=" * 10_000 + b"=A==\r\n" * 1_000_000).startswith(b"hi" * 10_000)
    assert process_time() - began < 1
