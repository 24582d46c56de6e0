"""8-bit and binary parts for servers that take neither: the same content in another form, or a refusal."""

from __future__ import annotations

import email
from email.message import Message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.mime.content import decode_octets
from mailserverd.wire.mime.downgrade import CannotConvert, fitted
from mailserverd.wire.mime.limits import DEFAULT_LIMITS
from mailserverd.wire.mime.structure import LEAF
from mailserverd.wire.mime.tree import Entity, read_tree
from mailserverd.wire.smtp.content import fault_of


def leaves(octets: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Media, subtype and decoded content of every leaf, in order."""
    found = []

    def walk(entity: Entity) -> None:
        if entity.facts.kind == LEAF:
            body = octets[entity.body_start : entity.end]
            found.append((entity.facts.media, entity.facts.subtype, decode_octets(body, entity.facts.encoding)))
        for child in entity.children:
            walk(child)

    walk(read_tree(octets, DEFAULT_LIMITS)[0])
    return found


def by_email(octets: bytes) -> list[bytes]:
    """What the standard library decodes."""
    found: list[bytes] = []

    def walk(part: Message) -> None:
        for each in part.walk():
            if not each.is_multipart():
                content = each.get_payload(decode=True)
                assert isinstance(content, bytes)
                found.append(content)

    walk(email.message_from_bytes(octets))
    return found


def converted(octets: bytes, declared: str = "8BITMIME", form: str = "7BIT") -> bytes:
    made = fitted(octets, declared, form)
    assert leaves(made) == leaves(octets)
    assert fault_of(made) is None
    if form == "7BIT":
        assert made.isascii()
    assert fitted(made, "8BITMIME", form) is made  # nothing is left to do
    return made


TEXT = "From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n{}\r\nGrüße, World\r\n"


def test_what_fits_is_the_same_object() -> None:
    plain = b"Subject: x\r\n\r\nhello\r\n"
    assert fitted(plain, "7BIT", "7BIT") is plain
    eight = TEXT.format("").encode()
    assert fitted(eight, "8BITMIME", "8BITMIME") is eight
    assert fitted(eight, "BINARYMIME", "BINARYMIME") is eight
    header_alone = "Subject: ü\r\nDKIM-Signature: v=1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nhello\r\n".encode()
    assert fitted(header_alone, "8BITMIME", "7BIT") is header_alone  # headers stay as they are


@pytest.mark.parametrize(
    "field",
    [
        "",
        "Content-Transfer-Encoding: 8bit\r\n",
        "content-transfer-encoding:\r\n 8BIT\r\nX-Other: 1\r\n",
        "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 8bit\r\n",
    ],
)
def test_a_text(field: str) -> None:
    made = converted(TEXT.format(field).encode())
    assert made.count(b"ontent-Transfer-Encoding: quoted-printable\r\n") == 1
    assert made.lower().count(b"content-transfer-encoding") == 1
    assert made.endswith(b"\r\n\r\nGr=C3=BC=C3=9Fe, World\r\n")
    assert ("X-Other" in field) == (b"X-Other: 1\r\n" in made)
    assert made.count(b"MIME-Version") == 1


def test_a_text_of_other_letters_is_base64() -> None:
    made = converted(TEXT.format("").replace("Grüße, World", "Съешь же ещё этих мягких французских булок").encode())
    assert b"Content-Transfer-Encoding: base64\r\n" in made


def test_a_message_older_than_mime() -> None:
    made = converted("Subject: x\r\n\r\nGrüße\r\n".encode())
    assert b"MIME-Version: 1.0\r\n" in made
    assert b"Content-Type: text/plain; charset=unknown-8bit\r\n" in made
    made = converted("\r\nGrüße und mehr davon\r\n".encode())
    assert made.startswith(b"Content-Transfer-Encoding: quoted-printable\r\n")


def test_a_last_line_without_an_end() -> None:
    octets = TEXT.format("").encode()[:-2]
    made = fitted(octets, "8BITMIME", "7BIT")
    assert made.endswith(b"=\r\n")
    assert by_email(made) == ["Grüße, World".encode()]


NESTED = """\
From: a@x.example\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=out\r
Content-Transfer-Encoding: 8bit\r
\r
Präambel\r
--out\r
Content-Type: multipart/alternative; boundary="in"\r
Content-Transfer-Encoding: 8bit\r
\r
--in\r
\r
kurz: ü und noch etwas\r
--in\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
<p>ä and a line that is long enough to be broken into two when quoted, as it has more than 76 of them</p>\r
\r
--in--\r
Epilog ö\r
--out\r
Content-Type: message/rfc822\r
Content-Transfer-Encoding: 8bit\r
\r
From: b@x.example\r
Subject: within\r
Content-Type: text/plain; charset=utf-8\r
\r
Inneres: ö, and the rest in ASCII\r
--out\r
Content-Type: application/octet-stream\r
Content-Transfer-Encoding: base64\r
\r
AAEC\r
--out\r
Content-Type: image/png\r
\r
PNG\x89 \r
--out--\r
Schluss: ß\r
"""


def test_nested_parts_and_a_message_within() -> None:
    made = converted(NESTED.encode())
    assert made.lower().count(b"content-transfer-encoding: 8bit") == 0
    assert made.count(b"Content-Transfer-Encoding: 7bit") == 3
    assert b"\r\nAAEC\r\n" in made
    assert b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n" in made
    assert by_email(made) == by_email(NESTED.encode())
    assert b"Pr??ambel\r\n" in made


@pytest.mark.parametrize("form", ["7BIT", "8BITMIME"])
def test_binary(form: str) -> None:
    content = bytes(range(256)) * 8 + b"\r\n.\r\n" + b"x" * 3000
    octets = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + content
        + b"\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + "kurz: ü und noch etwas\r\n".encode()
        + b"\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nunix\nlines\n"
        + b"\r\n--b--\r\n"
    )
    made = converted(octets, "BINARYMIME", form)
    assert b"binary" not in made.lower()
    assert leaves(made)[0][2] == content
    assert b"unix=0Alines=0A" in made
    assert (b"Content-Transfer-Encoding: 8bit\r\n\r\nkurz" in made) is (form == "8BITMIME")


def test_binary_in_name_only() -> None:
    octets = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\nhello\r\n"
    assert b"Content-Transfer-Encoding: 7bit\r\n" in converted(octets, "BINARYMIME", "8BITMIME")
    signed = b"DKIM-Signature: v=1\r\n" + octets
    assert fitted(signed, "BINARYMIME", "8BITMIME") is signed


SIGNED_PARTS = (
    'Content-Type: multipart/signed; boundary=s; protocol="application/pgp-signature"\r\nMIME-Version: 1.0\r\n\r\n'
    "--s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n--s\r\n"
    "Content-Type: application/pgp-signature\r\n\r\nxx\r\n--s--\r\n"
)


@pytest.mark.parametrize(
    "octets",
    [
        "DKIM-Signature: v=1; d=x.example\r\n" + TEXT.format(""),
        "ARC-Message-Signature: i=1\r\n" + TEXT.format(""),
        "dkim-signature :v=1\r\n" + TEXT.format(""),
        SIGNED_PARTS,
        NESTED.replace("Subject: within\r\n", "DKIM-Signature: v=1\r\n"),
        "DKIM-Signature: v=1\r\n" + NESTED,
    ],
)
def test_a_signature_is_never_broken(octets: str) -> None:
    with pytest.raises(CannotConvert, match="signature"):
        fitted(octets.encode(), "8BITMIME", "7BIT")


def test_a_signature_beside_what_changes_is_left_whole() -> None:
    octets = (
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
        + SIGNED_PARTS.replace("ü", "u").replace("ß", "s")
        + "\r\n--m\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße and more of it\r\n--m--\r\n"
    ).encode()
    made = converted(octets)
    assert octets[octets.index(b"--s") : octets.index(b"--s--")] in made


@pytest.mark.parametrize(
    "octets",
    [
        TEXT.format("Content-Transfer-Encoding: base64\r\n"),
        TEXT.format("Content-Transfer-Encoding: quoted-printable\r\n"),
        TEXT.format("Content-Transfer-Encoding: x-own\r\n"),
        TEXT.replace("text/plain", "message/partial; id=1; number=1").format(""),
        TEXT.replace("text/plain", "multipart/mixed").format(""),
        "Content-Type: multipart/mixed; boundary=ü\r\n\r\n--ü\r\n\r\nx\r\n--ü--\r\n",
    ],
)
def test_what_cannot_be_encoded(octets: str) -> None:
    with pytest.raises(CannotConvert):
        fitted(octets.encode(), "8BITMIME", "7BIT")


def test_parts_deeper_than_anybody_looks() -> None:
    octets = b"".join(b"Content-Type: multipart/mixed; boundary=b%03d\r\n\r\n--b%03d\r\n" % (n, n) for n in range(200))
    with pytest.raises(CannotConvert):
        fitted(octets + b"\r\n\xff\r\n", "8BITMIME", "7BIT")


def test_more_parts_than_anybody_counts() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\xff\r\n" * 60_000
    with pytest.raises(CannotConvert, match="too many parts"):
        fitted(octets, "8BITMIME", "7BIT")


CONTENT = st.lists(
    st.sampled_from([b"a", b"\r\n", b"\xc3\xbc", b".", b"=", b" ", b"\t", b"word " * 20, b"\xff\xfe"]), max_size=30
).map(b"".join)
HEADERS = st.sampled_from(
    [
        b"",
        b"Content-Type: text/plain; charset=utf-8\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n",
        b"Content-Type: application/pdf\r\nX-Long: a\r\n b\r\n",
        b"Content-Transfer-Encoding: 8bit\r\nContent-Type: image/png; name=x\r\n",
    ]
)
LEAF_PARTS = st.builds(lambda header, body: header + b"\r\n" + body, HEADERS, CONTENT)


def joined(number: int, parts: list[bytes]) -> bytes:
    boundary = b"--b%d" % number
    lines = b"".join(b"%b\r\n%b\r\n" % (boundary, part) for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n" % number + lines + boundary + b"--\r\n"


MESSAGES = st.recursive(
    LEAF_PARTS,
    lambda inner: st.one_of(
        st.builds(joined, st.integers(0, 10**9), st.lists(inner, min_size=1, max_size=3)),
        inner.map(lambda part: b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nMIME-Version: 1.0\r\n" + part),
    ),
    max_leaves=6,
)


@given(MESSAGES)
@settings(max_examples=300, deadline=None)
def test_any_message_decodes_to_the_same(message: bytes) -> None:
    whole = b"From: a@x.example\r\nMIME-Version: 1.0\r\n" + message
    whole += b"" if whole.endswith(b"\r\n") else b"\r\n"
    converted(whole)


@given(
    st.lists(
        st.sampled_from([b"--b", b"\r\n", b"\xff", b"Content-Type: multipart/mixed; boundary=b", b":", b"\n", b"\0"]),
        max_size=40,
    ).map(b"".join)
)
@settings(max_examples=200, deadline=None)
def test_nothing_but_a_refusal_escapes(octets: bytes) -> None:
    for form in ("7BIT", "8BITMIME"):
        try:
            fitted(octets, "BINARYMIME", form)
        except CannotConvert as error:
            assert str(error)  # noqa: PT017
