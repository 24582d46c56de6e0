import pytest

from mailserverd.imap.body_item import body_of

TEXT = b'("TEXT" "PLAIN" ("CHARSET" "a)b\\"(") NIL NIL "7BIT" 12 3'
EXT = b' NIL ("ATTACHMENT" ("FILENAME" {3}\r\n")x)) NIL NIL'
EMBEDDED = b'("message" "rfc822" NIL NIL NIL "7BIT" 100 '
ENVELOPE = b'("d" "s (x" NIL NIL NIL NIL NIL NIL NIL {2}\r\n)")'


@pytest.mark.parametrize(
    ("structure", "body"),
    [
        (TEXT + EXT + b")", TEXT + b")"),
        (TEXT + b")", TEXT + b")"),
        (
            b'("IMAGE" "PNG" NIL "<a>" NIL "BASE64" 99' + EXT + b")",
            b'("IMAGE" "PNG" NIL "<a>" NIL "BASE64" 99)',
        ),
        (
            b"(" + TEXT + EXT + b")" + TEXT + EXT + b")" + b' "MIXED" ("BOUNDARY" "(") NIL NIL NIL)',
            b"(" + TEXT + b")" + TEXT + b")" + b' "MIXED")',
        ),
        (
            b'("message" "rfc822" NIL NIL NIL "7BIT" 100 '
            + ENVELOPE
            + b" ("
            + TEXT
            + EXT
            + b') "MIXED" NIL NIL) 9 NIL NIL)',
            b'("message" "rfc822" NIL NIL NIL "7BIT" 100 ' + ENVELOPE + b" (" + TEXT + b') "MIXED") 9)',
        ),
        (
            b'("MESSAGE" "DELIVERY-STATUS" NIL NIL NIL "7BIT" 100 NIL)',
            b'("MESSAGE" "DELIVERY-STATUS" NIL NIL NIL "7BIT" 100)',
        ),
        (b'((("A" "B" NIL NIL NIL "7BIT" 1 NIL) "X" NIL) "Y" NIL)', b'((("A" "B" NIL NIL NIL "7BIT" 1) "X") "Y")'),
    ],
)
def test_extension_data_is_left_out(structure, body):
    assert body_of(structure) == body
