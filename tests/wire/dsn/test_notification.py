"""wire/dsn/notification.py: RFC 3464, RFC 6522, RFC 6533."""

from dataclasses import replace
from email import message_from_bytes, policy

from mailserverd.wire.dsn.notification import (
    MAX_RETURNED_OCTETS,
    FailedRecipient,
    Notification,
    notification,
    returned_header,
)

REPORT = Notification(
    hostname="mx.example.org",
    sender="x@example.net",
    queue_id="q1",
    arrived=1_700_000_000,
    now=1_700_400_000,
    unique="u1",
    recipients=(
        FailedRecipient("anna@example.org", "5.4.7", "too long", 1_700_400_000),
        FailedRecipient("bob@example.org", "5.1.1", "gone", 1_700_400_000),
    ),
    original=b"Subject: hello\r\nFrom: x@example.net\r\n\r\nsecret body\r\n",
)


def test_it_is_a_report_that_parsers_understand() -> None:
    octets = notification(REPORT)
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    message = message_from_bytes(octets, policy=policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["To"] == "x@example.net"
    assert message["Auto-Submitted"] == "auto-replied"
    assert not message.defects
    text, status, header = message.iter_parts()
    assert "anna@example.org: too long (5.4.7)" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    blocks = status.get_payload()
    assert isinstance(blocks, list)
    assert blocks[0]["Reporting-MTA"] == "dns; mx.example.org"
    assert [each["Final-Recipient"] for each in blocks[1:]] == ["rfc822; anna@example.org", "rfc822; bob@example.org"]
    assert [each["Action"] for each in blocks[1:]] == ["failed", "failed"]
    assert [each["Status"] for each in blocks[1:]] == ["5.4.7", "5.1.1"]
    assert header.get_content_type() == "text/rfc822-headers"
    assert b"Subject: hello" in octets
    assert b"secret body" not in octets


def test_an_address_that_is_not_ascii_makes_it_global() -> None:
    report = replace(REPORT, recipients=(FailedRecipient("jürgen@example.org", "5.1.1", "gone", 0),))
    octets = notification(report)
    assert b"message/global-delivery-status" in octets
    assert "Final-Recipient: utf-8; jürgen@example.org".encode() in octets
    assert b"Content-Transfer-Encoding: 8bit" in octets


def test_a_line_break_in_a_reason_makes_no_field() -> None:
    report = replace(REPORT, recipients=(FailedRecipient("a@b\r\nX: 1", "5.1.1", "no\r\nBcc: x", 0),))
    assert b"\r\nX: 1" not in notification(report)
    assert b"\r\nBcc: x" not in notification(report)


def test_of_a_long_header_whole_lines_go_back() -> None:
    header = b"".join(b"X-Line-%05d: some text\r\n" % i for i in range(5000))
    cut = returned_header(header + b"\r\nbody")
    assert MAX_RETURNED_OCTETS - 30 < len(cut) <= MAX_RETURNED_OCTETS
    assert cut.endswith(b"\r\n")


def test_odd_originals_are_made_of_lines() -> None:
    assert returned_header(b"no end") == b"no end\r\n"
    assert returned_header(b"a: 1\nb: \0\rc\r\n\r\nx") == b"a: 1\r\nb: ?\r\nc\r\n"
    assert returned_header(b"\r\nbody") == b"\r\n"


def test_what_a_server_said_and_what_the_sender_asked_for() -> None:
    """RFC 3464 §2.2.1, §2.3.1, §2.3.5, §2.3.6; RFC 3461 §6.2."""
    told = FailedRecipient(
        "anna@example.org", "5.1.1", "550 5.1.1 no such user", 0, smtp_reply=True, remote="mx.example.org",
        original="rfc822;Anna+x@example.org",
    )  # fmt: skip
    octets = notification(replace(REPORT, recipients=(told,), envid="e 1"))
    status = list(message_from_bytes(octets, policy=policy.default).iter_parts())[1].get_payload()
    assert isinstance(status, list)
    assert status[0]["Original-Envelope-Id"] == "e 1"
    assert status[1]["Original-Recipient"] == "rfc822; Anna+x@example.org"
    assert status[1]["Remote-MTA"] == "dns; mx.example.org"
    assert status[1]["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"


def test_a_delay_and_a_relay_are_told_as_such() -> None:
    late = FailedRecipient("anna@example.org", "4.4.1", "no answer", 0, "delayed", retry_until=1_700_800_000)
    octets = notification(replace(REPORT, recipients=(late,)))
    assert b"Action: delayed\r\nStatus: 4.4.1\r\n" in octets
    assert b"\r\nWill-Retry-Until: Fri, 24 Nov 2023 04:26:40 +0000\r\n" in octets
    assert b"Subject: Delayed mail" in octets
    octets = notification(replace(REPORT, recipients=(FailedRecipient("a@b", "2.0.0", "250 ok", 0, "relayed"),)))
    assert b"Action: relayed\r\n" in octets
    assert b"Undelivered" not in octets


def test_all_of_it_goes_back_where_that_was_asked_for() -> None:
    """RFC 3461 §4.3: RET=FULL is for failures."""
    octets = notification(replace(REPORT, whole=True))
    part = list(message_from_bytes(octets, policy=policy.default).iter_parts())[2]
    assert part.get_content_type() == "message/rfc822"
    assert part.get_payload(0).get_content().strip() == "secret body"  # type: ignore[union-attr]
    late = (FailedRecipient("anna@example.org", "4.4.1", "no answer", 0, "delayed"),)
    assert b"secret body" not in notification(replace(REPORT, whole=True, recipients=late))
    assert b"secret body" not in notification(replace(REPORT, whole=True, original=REPORT.original + b"x" * 2_000_000))


def test_eight_bit_octets_that_go_back_do_not_make_it_global() -> None:
    octets = notification(replace(REPORT, whole=True, original=b"Subject: x\r\n\r\ncaf\xe9\r\n"))
    assert b"message/rfc822\r\n" in octets
    assert b"Content-Transfer-Encoding: 8bit" in octets.partition(b"\r\n\r\n")[0]
