from mailserverd.mailstore.find_text import fold, header_has, header_text
from mailserverd.wire.mime.headers import index_header


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


def test_a_whole_header_is_searched_as_it_reads():
    text = header_text(b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n again\r\nX-A: B\r\n\r\n")
    assert fold("Grüße again") in text
    assert "x-a: b" in text
    assert "r3ldvm" not in text
