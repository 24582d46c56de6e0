from base64 import b64encode

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailserverd.mailstore.find_body import MAX_PARTS, texts_of
from mailserverd.mailstore.find_text import fold, header_has
from mailserverd.wire.mime.headers import index_header

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
    bomb = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\na\r\n" * (MAX_PARTS * 3)
    assert len(list(texts_of(bomb))) <= MAX_PARTS
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


def test_folding():
    assert fold("STRASSE") == fold("straße")
    assert fold("e\u0301") == fold("É")
    assert fold("e") not in fold("é")


def test_a_field_is_searched_as_it_reads_not_as_it_is_encoded():
    header = b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nX-A:\r\n\r\n"
    index = index_header(header)
    for needle, found in [("grüsse", True), ("r3ldvmofzq", False), ("utf-8", False), ("nothing", False), ("", True)]:
        assert header_has(header, index, "subject", fold(needle)) is found
    assert header_has(header, index, "X-A", "")
    assert not header_has(header, index, "X-B", "")
