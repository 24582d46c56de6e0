from mailserverd.model.message import InlineSegment
from mailserverd.wire.mime.headers import compile_fields
from mailserverd.wire.mime.record import new_message
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.segments import join
from tests.wire.mime.vectors import MBOXES, mbox

OCTETS = b"From: A <a@b>\r\nSubject: Re: s\r\nMessage-ID: <m@x>\r\n\r\nHello\r\n"


def test_a_record_says_what_the_scan_says() -> None:
    message, blobs = new_message(OCTETS)
    scanned = scan(OCTETS)
    assert blobs == ()
    assert message.size == len(OCTETS)
    assert message.header == OCTETS[: -len(b"Hello\r\n")]
    assert message.envelope == scanned.envelope
    assert message.body_structure == scanned.body_structure
    assert message.part_map == scanned.part_map
    assert message.preview == b"Hello"
    assert message.has_attachment is False
    assert message.segments == (InlineSegment(OCTETS),)
    assert compile_fields([b"subject"]).pick(message.header, message.header_index) == b"Subject: Re: s\r\n\r\n"


def test_keys() -> None:
    message = new_message(
        OCTETS.replace(b"From: A", b"Date: 1 Jan 1970 00:00:10 +0000\r\nFrom: =?utf-8?q?=C3=84?=")
    ).message
    assert message.sort_keys == (b"s", 10, b"a", b"", b"", "ä".encode(), b"")
    assert message.thread_keys == (b"m@x", (), b"s", True)


def test_real_mail_comes_back_octet_for_octet() -> None:
    kept_decoded = 0
    for name in MBOXES:
        for octets in mbox(name):
            message, blobs = new_message(octets, blob_threshold=2_048)
            contents = dict(blobs)
            assert join(message.segments, contents.__getitem__) == octets
            kept_decoded += sum(getattr(segment, "line_octets", 0) > 0 for segment in message.segments)
    assert kept_decoded > 100
