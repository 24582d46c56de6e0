"""Incoming feedback reports (RFC 5965)."""

from mailserverd.wire.arf.feedback import FeedbackReport, read_feedback

# RFC 5965 appendix B.2, shortened
REPORT = b"""From: <abusedesk@example.com>
Subject: FW: Earn money
To: <abuse@example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for an email message.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <bounce-000q1-0-abc@example.net>
Original-Rcpt-To: <user@example.com>
Original-Rcpt-To: <user@example.com>
Original-Rcpt-To: rfc822; other@example.com
Received-Date: Thu, 8 Mar 2005 14:00:00 EDT
Source-IP: 192.0.2.2

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

From: <somespammer@example.net>
Message-ID: <8787KJKJ3K4J3K4J3K4J3.mail@example.net>
Subject: Earn money

Spam Spam Spam
--part1_13d.2e68ed54_boundary--
"""


def test_a_complaint() -> None:
    assert read_feedback(REPORT) == FeedbackReport(
        "abuse",
        ("user@example.com", "other@example.com"),
        "bounce-000q1-0-abc@example.net",
        "8787KJKJ3K4J3K4J3K4J3.mail@example.net",
    )


def test_not_everything_is_a_complaint() -> None:
    for kind, complains in ((b"fraud", True), (b"not-spam", False), (b"opt-out", False), (b"auth-failure", False)):
        report = read_feedback(REPORT.replace(b"Feedback-Type: abuse", b"Feedback-Type: " + kind))
        assert report is not None
        assert (report.kind, report.complains) == (kind.decode(), complains)


def test_what_is_no_report() -> None:
    assert read_feedback(b"") is None
    assert read_feedback(b"Subject: x\r\n\r\nFeedback-Type: abuse\r\n") is None
    assert read_feedback(REPORT.replace(b"Feedback-Type: abuse\n", b"")) is None
    assert read_feedback(REPORT.replace(b"message/feedback-report", b"message/delivery-status")) is None
