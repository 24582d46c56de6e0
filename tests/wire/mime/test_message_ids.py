import pytest

from mailserverd.wire.mime.message_ids import MAX_REFERENCES, message_id, references


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, b""),
        (b" <a@b>\r\n", b"a@b"),
        (b" < a@b >", b"a@b"),
        (b'<"a"@b>', b"a@b"),
        (b'<"a b"@c>', b'"ab"@c'),
        (b"a@b", b"a@b"),
        (b"<a@b> <c@d>", b"a@b"),
        (b"junk", b""),
        (b"<a\r\n b@c>", b"ab@c"),
    ],
)
def test_message_id(value: bytes | None, found: bytes) -> None:
    assert message_id(value) == found


def test_references_before_in_reply_to() -> None:
    assert references(b" <a@b>\r\n <c@d>", b"<e@f>") == (b"a@b", b"c@d")
    assert references(b"nothing", b"Your message <e@f> of <g@h>") == (b"e@f",)
    assert references(None, b"<not an id> <e@f>") == (b"e@f",)
    assert references(None, None) == ()


def test_each_reference_once() -> None:
    assert references(b'<a@b> <c@d> <"a"@b>', None) == (b"a@b", b"c@d")


def test_of_a_long_list_the_first_and_the_nearest_count() -> None:
    found = references(b" ".join(b"<%d@x>" % number for number in range(1000)), None)
    assert len(found) == MAX_REFERENCES
    assert (found[0], found[-1]) == (b"0@x", b"999@x")
