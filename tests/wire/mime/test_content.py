import pytest

from mailserverd.wire.mime.content import decode_octets, decoded_part, text_of, texts_of
from mailserverd.wire.mime.parts import find_part, leaves
from mailserverd.wire.mime.scan import scan
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


MESSAGE = b"""Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGI+aGnDqTwvYj4=
--b
Content-Type: image/png
Content-Transfer-Encoding: base64

aGk=
--b
Content-Type: message/rfc822

Subject: x

inner
--b--
""".replace(b"\n", b"\r\n")


def test_texts_of_a_message() -> None:
    assert texts_of(MESSAGE, scan(MESSAGE).part_map) == ["café", "hié", "inner"]


def test_one_part() -> None:
    part_map = scan(MESSAGE).part_map
    image, message = find_part(part_map, (3,)), find_part(part_map, (4,))
    assert image is not None
    assert message is not None
    assert decoded_part(MESSAGE, image) == b"hi"
    assert text_of(MESSAGE, image) == ""
    assert decoded_part(MESSAGE, message) == b"Subject: x\r\n\r\ninner"
    assert len(leaves(part_map)) == 4
