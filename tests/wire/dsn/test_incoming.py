"""Incoming delivery status notifications, as several servers write them."""

from mailserverd.wire.dsn.incoming import IncomingReport, Reported, guessed, read_report
from mailserverd.wire.dsn.notification import FailedRecipient, Notification, notification
from mailserverd.wire.dsn.report_parts import typed_address

POSTFIX = b"""From: MAILER-DAEMON@mx.elsewhere.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="B/mx"

--B/mx
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.elsewhere.example.

--B/mx
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.elsewhere.example
X-Postfix-Queue-ID: 4ABC
X-Postfix-Sender: rfc822; anna@example.org
Original-Envelope-Id: 000q1
Arrival-Date: Tue, 24 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; bob@inner.example
Original-Recipient: rfc822;bob@elsewhere.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; inner.example
Diagnostic-Code: smtp; 550 5.1.1 <bob@inner.example>: Recipient address
    rejected: User unknown

Final-Recipient: rfc822;eve@inner.example
Action: delayed
Status: 4.2.2

--B/mx
Content-Description: Undelivered Message
Content-Type: message/rfc822

Received: from x
Message-ID:
 <id1@example.org>
Subject: hello

body
--B/mx--
"""


def test_a_report_of_postfix() -> None:
    report = read_report(POSTFIX)
    assert report.recipients == (
        Reported(
            "bob@inner.example",
            "bob@elsewhere.example",
            "failed",
            "5.1.1",
            "550 5.1.1 <bob@inner.example>: Recipient address rejected: User unknown",
        ),
        Reported("eve@inner.example", "", "delayed", "4.2.2", ""),
    )
    assert [each.code for each in report.recipients] == [550, 450]
    assert (report.envelope_id, report.message_id) == ("000q1", "id1@example.org")
    assert report.words.startswith("This is the mail system")
    assert read_report(POSTFIX.replace(b"\n", b"\r\n")) == IncomingReport(
        report.recipients, "000q1", "id1@example.org", report.words.replace("\n", "\r\n")
    )


def test_our_own_reports_are_read_back() -> None:
    failed = (FailedRecipient("bob@elsewhere.example", "5.2.2", "552 5.2.2 mailbox full", 5),)
    for address in ("bob@elsewhere.example", "bö@elsewhere.example"):
        ours = notification(
            Notification(
                "mail.example.org",
                "anna@example.org",
                "000q1",
                1,
                2,
                "u.1",
                (failed[0].__class__(address, "5.2.2", "552 5.2.2 mailbox full", 5),),
                b"Message-ID: <id1@example.org>\r\nSubject: x\r\n\r\nbody",
            )
        )
        report = read_report(ours)
        assert [each.final for each in report.recipients] == [address]
        assert (report.recipients[0].status, report.recipients[0].code) == ("5.2.2", 552)
        assert report.message_id == "id1@example.org"


def test_a_report_inside_a_returned_message_is_not_read() -> None:
    inner = b"Content-Type: message/rfc822\r\n\r\n" + POSTFIX
    assert read_report(inner).recipients == ()


def test_headers_alone_and_base64_are_read_too() -> None:
    text = POSTFIX.replace(b"Content-Type: message/rfc822", b"Content-Type: text/rfc822-headers")
    assert read_report(text).message_id == "id1@example.org"
    coded = b"""Content-Type: multipart/report; boundary=b

--b
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

UmVwb3J0aW5nLU1UQTogZG5zOyB4CgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsgYkB4LmV4YW1wbGUKQWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1
LjEuMQo=
--b--
"""
    assert [each.final for each in read_report(coded).recipients] == ["b@x.example"]


def test_a_bounce_that_only_people_can_read() -> None:
    qmail = "Hi. This is the qmail-send program.\n<bob@x.example>:\nRemote host said: 550 5.1.1 no such user\n"
    found = guessed(qmail)
    assert found is not None
    assert (found.code, found.status, found.diagnostic) == (550, "5.1.1", "550 5.1.1 no such user")
    assert guessed("I am on holiday until 24 December") is None


def test_addresses_with_a_type() -> None:
    assert typed_address("rfc822; a@b.example") == "a@b.example"
    assert typed_address("RFC822;<a@b.example> (Anna)") == "a@b.example"
    assert typed_address("a@b.example") == "a@b.example"
    assert typed_address("utf-8; b\\x{F6}@b.example") == "bö@b.example"
    assert typed_address("utf-8; bö@b.example") == "bö@b.example"
    assert typed_address("x400; /G=Anna/@x") == ""
    assert typed_address("rfc822; nobody") == ""
    assert typed_address("rfc822; \\x{D800}a@b") == "?a@b"
    assert typed_address("rfc822; a\x01@b") == ""
