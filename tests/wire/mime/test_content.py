from base64 import b64encode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime.content import decode_octets, texts_of
from mailserverd.wire.mime.limits import DEFAULT_LIMITS
from mailserverd.wire.mime.structure import BASE64, IDENTITY, QUOTED_PRINTABLE, UNKNOWN, UUENCODE


@pytest.mark.parametrize(
    ("encoded", "encoding", "octets"),
    [
        (b"a=3D", IDENTITY, b"a=3D"),
        (b"a=3D", UNKNOWN, b"a=3D"),
        (b"aGk=\r\n", BASE64, b"hi"),
        (b"caf=C3=A9=\r\n au lait", QUOTED_PRINTABLE, "café au lait".encode()),
        (b"trailing  \r\nx", QUOTED_PRINTABLE, b"trailing\r\nx"),
        (b"bad =ZZ =", QUOTED_PRINTABLE, b"bad =ZZ "),
        (b"begin 644 x\r\n#8V%T\r\n`\r\nend\r\nafter", UUENCODE, b"cat"),
        (b"no uu at all", UUENCODE, b"no uu at all"),
        (b"begin 644 x\n#8V%T  trailing\n\xff\xff\n", UUENCODE, b"cat"),
    ],
)
def test_decode(encoded: bytes, encoding: int, octets: bytes) -> None:
    assert decode_octets(encoded, encoding) == octets


MIXED = (
    b'Subject: outer\r\nContent-Type: multipart/mixed; boundary="b 1"\r\n\r\npreamble\r\n--b 1\r\n'
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"caf=E9 soft=\r\nbreak\r\n--b 1\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b64encode("<p>Straße</p>".encode())
    + b"\r\n--b 1\r\nContent-Type: image/png\r\n\r\nhidden\r\n--b 1\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: =?utf-8?q?inn=C3=A9r?=\r\n\r\ninner body\r\n--b 1--\r\nepilogue\r\n"
)

MULTIPART = b"Content-Type: multipart/x; boundary="


def test_every_text_part_is_decoded():
    texts = list(texts_of(MIXED))
    assert texts[0] == "café softbreak"
    assert texts[1] == "<p>Straße</p>"
    assert "innér" in texts[2]
    assert texts[3] == "inner body"
    assert not any(word in " ".join(texts) for word in ("hidden", "preamble", "epilogue", "outer"))


def test_a_message_without_mime_is_text():
    assert list(texts_of(b"Subject: x\r\n\r\nplain \xc3\xa9\r\n")) == ["plain é\r\n"]


def test_many_parts_and_deep_nesting_are_bounded():
    bomb = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\na\r\n" * (DEFAULT_LIMITS.parts * 3)
    assert len(list(texts_of(bomb))) <= DEFAULT_LIMITS.parts
    assert list(texts_of(b"Content-Type: message/rfc822\r\n\r\n" * 500))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [MIXED[:90], b"--b 1", b"\r\n", b"\n", b"--", b"Content-Type: multipart/x; boundary=", b"\xff\0"]
        )
    )
)
@example([])
def test_no_octets_are_too_odd(pieces):
    assert all(isinstance(text, str) for text in texts_of(b"".join(pieces)))


def test_long_quoted_printable_is_decoded_in_pieces_to_the_same():
    lines = b"a=C3=A9 =\r\nb \t\r\n=\r\n=3D\n" * 40_000
    assert decode_octets(lines, QUOTED_PRINTABLE) == b"a\xc3\xa9 b\r\n=\n" * 40_000
    one_line = b"=41" * 300_000
    assert decode_octets(one_line, QUOTED_PRINTABLE) == b"A" * 300_000
