"""RFC 8460 §4 and §5: the report as JSON and as mail."""

import email
import email.policy
import gzip
import json

from mailserverd.wire.tls_report.report import FailureDetail, PolicyResult, Report, as_json, as_mail

DETAIL = FailureDetail("certificate-expired", "192.0.2.1", "m.a.example", "192.0.2.2", 3)
REPORT = Report(
    "a.example",
    "mail.here.example",
    "postmaster@here.example",
    1_800_057_600,
    [
        PolicyResult("sts", ["version: STSv1", "mode: testing"], ["*.a.example"], 5, 3, [DETAIL]),
        PolicyResult("no-policy-found", [], [], 1, 0, []),
    ],
)


def test_json() -> None:
    assert json.loads(gzip.decompress(as_json(REPORT))) == {
        "organization-name": "mail.here.example",
        "date-range": {"start-datetime": "2027-01-16T00:00:00Z", "end-datetime": "2027-01-16T23:59:59Z"},
        "contact-info": "postmaster@here.example",
        "report-id": "2027-01-16-a.example@mail.here.example",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: testing"],
                    "policy-domain": "a.example",
                    "mx-host": ["*.a.example"],
                },
                "summary": {"total-successful-session-count": 5, "total-failure-session-count": 3},
                "failure-details": [
                    {
                        "result-type": "certificate-expired",
                        "sending-mta-ip": "192.0.2.1",
                        "receiving-mx-hostname": "m.a.example",
                        "receiving-ip": "192.0.2.2",
                        "failed-session-count": 3,
                    }
                ],
            },
            {
                "policy": {"policy-type": "no-policy-found", "policy-domain": "a.example"},
                "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0},
            },
        ],
    }


def test_the_same_counts_give_the_same_octets() -> None:
    assert as_json(REPORT) == as_json(REPORT)


def test_mail() -> None:
    content = as_json(REPORT)
    octets = as_mail(REPORT, "reports@a.example", 1_800_150_000, content)
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message["From"] == "TLS reports <postmaster@here.example>"
    assert message["TLS-Report-Domain"] == "a.example"
    assert message["TLS-Report-Submitter"] == "mail.here.example"
    assert message["To"] == "reports@a.example"
    subject = " ".join(message["Subject"].split())
    assert subject.startswith("Report Domain: a.example Submitter: mail.here.example Report-ID: <2027-01-16-a.example@")
    assert message.get_content_type() == "multipart/report"
    assert message["Content-Type"].params["report-type"] == "tlsrpt"
    text, attached = message.iter_parts()
    assert "a.example" in text.get_content()
    assert attached.get_content_type() == "application/tlsrpt+gzip"
    assert attached.get_filename() == "mail.here.example!a.example!1800057600!1800143999!001.json.gz"
    assert attached.get_content() == content
