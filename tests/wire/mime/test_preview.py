import pytest

from mailserverd.wire.mime.scan import scan


def preview(octets: bytes) -> bytes:
    return scan(octets.replace(b"\n", b"\r\n")).preview


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\nHello\n\n  big   world\n", b"Hello big world"),
        (b"\n", b""),
        (b"Content-Type: image/png\n\nabc", b""),
        (b"Content-Type: text/html\n\n<style>x</style><p>Hello</p><p>you", b"Hello you"),
        (b"Content-Transfer-Encoding: base64\n\naGVsbG8=\n", b"hello"),
        (b"Content-Type: text/plain; charset=iso-8859-1\n\ncaf\xe9", "café".encode()),
        (b"Content-Transfer-Encoding: quoted-printable\n\nso=\nft =41", b"soft A"),
        (b"\na\x00b", b"a b"),
        (b"Content-Type: multipart/mixed; boundary=b\n\nnot this\n--b\n\nthis\n--b--", b"this"),
        (
            b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<b>rich</b>\n"
            b"--b\n\nplain\n--b--",
            b"plain",
        ),
        (
            b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n\n"
            b"--b\nContent-Type: text/html\n\n<b>rich</b>\n--b--",
            b"rich",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment\n\nfile\n"
            b"--b\n\ntext\n--b--",
            b"text",
        ),
    ],
)
def test_preview(message: bytes, expected: bytes) -> None:
    assert preview(message) == expected


def test_never_more_than_256_characters() -> None:
    # RFC 8970 §3.1
    assert len(preview(b"\n" + b"word " * 500)) <= 256
    text = preview(b"Content-Type: text/plain; charset=utf-8\n\n" + "é".encode() * 999).decode()
    assert text == "é" * len(text)
    assert 250 <= len(text) <= 256


def test_long_base64_is_decoded_only_as_far_as_it_is_shown() -> None:
    assert preview(
        b"Content-Transfer-Encoding: base64\n\n" + b"aGVsbG8g" * 9 + b"\n" + b"aGVsbG8g\n" * 99_999
    ).startswith(b"hello hello")
