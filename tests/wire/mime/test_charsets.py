import codecs
from collections.abc import Callable
from random import Random

import pytest

from mailserverd.wire.mime.charsets import _CODECS, _decoded, codec_of, decode_charset, decode_raw


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        (b"utf-8", "utf_8"),
        (b"UTF8", "utf_8"),
        (b"ISO-8859-15", "iso8859_15"),
        (b"windows-1252", "cp1252"),
        (b"cp-850", "cp850"),
        (b"GB2312", "gb18030"),
        (b"ks_c_5601-1987", "cp949"),
        (b"x-sjis", "cp932"),
        (b"koi8-r", "koi8_r"),
        (b"us-ascii", "ascii"),
        (b"x-utf-8", "utf_8"),
        (b"", None),
        (b"x-unknown", None),
        (b"no-such-charset", None),
        (b"\xff\x00", None),
    ],
)
def test_names(name: bytes, codec: str | None) -> None:
    assert codec_of(name) == codec


@pytest.mark.parametrize(
    "name", [b"idna", b"punycode", b"unicode_escape", b"rot13", b"zlib", b"base64", b"mbcs", b"os.path"]
)
def test_codecs_that_are_no_charsets_are_never_used(name: bytes) -> None:
    assert codec_of(name) is None


def test_every_codec_on_the_list_decodes_text() -> None:
    for codec in set(filter(None, _CODECS.values())):
        assert codecs.lookup(codec)
        assert b"".decode(codec) == ""


def test_wrong_or_unknown_charsets_are_guessed_around() -> None:
    assert decode_charset(b"\xfc", b"iso-8859-1") == "ü"
    assert decode_charset(b"\xc3\xbc", b"us-ascii") == "ü"
    assert decode_charset(b"\xfc", b"us-ascii") == "ü"
    assert decode_charset(b"\xc3\xbc", b"no-such") == "ü"
    assert decode_charset(b"\xc3\xbc", None) == "ü"
    assert decode_charset(b"a\xff", b"utf-8") == "a\ufffd"
    assert decode_charset(b"\xd6\xd0\xce\xc4", b"gb2312") == "中文"
    assert decode_charset("é".encode(), b"iso-2022-kr") == "é"
    assert decode_raw(b"\x81") == "\x81"
    assert decode_raw(b"ascii") == "ascii"


@pytest.mark.parametrize("codec", sorted({codec for codec in _CODECS.values() if codec}))
@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_long_texts_are_decoded_in_pieces_to_the_same(codec: str, errors: str) -> None:
    """Rubbish, what is rubbish to some, and text."""

    def outcome(decode: Callable[[], str]) -> str:
        try:
            return decode()
        except UnicodeError:
            return "refused"

    random = Random(codec)
    for octets in (
        random.randbytes(70_000),
        bytes(random.choices(b"abc +-~{}\x1b$B(J&,\r\n\xff\x81\x40", k=70_000)),
        ("hello w\u00f6rld \u4e2d\r\n" * 5_000).encode(codec, "replace"),
    ):
        assert outcome(lambda: _decoded(octets, codec, errors)) == outcome(lambda: octets.decode(codec, errors))  # noqa: B023
