"""A report on the TLS of one domain over one day, as JSON and as mail (RFC 8460 §4, §5).

Standing rules: the same counts give the same report, its id too, so that one that is sent twice is seen to be one;
compressed, always.
"""

from __future__ import annotations

import gzip
import json
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

MEDIA_TYPE = "application/tlsrpt+gzip"


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """RFC 8460 §4.3: reason such as "certificate-expired". Empty texts are left out."""

    reason: str
    sending_ip: str
    receiving_host: str
    receiving_ip: str
    sessions: int


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """kind: "sts", "tlsa" or "no-policy-found"; text: the policy's lines; mx: its patterns."""

    kind: str
    text: Sequence[str]
    mx: Sequence[str]
    successes: int
    failures: int
    details: Sequence[FailureDetail]


@dataclass(frozen=True, slots=True)
class Report:
    """domain: whose. submitter: our host name. day: its first second, UTC."""

    domain: str
    submitter: str
    contact: str
    day: int
    policies: Sequence[PolicyResult]

    @property
    def id(self) -> str:
        return f"{_moment(self.day)[:10]}-{self.domain}@{self.submitter}"

    @property
    def file_name(self) -> str:
        """RFC 8460 §5.1."""
        return f"{self.submitter}!{self.domain}!{self.day}!{self.day + 86399}!001.json.gz"


def as_json(report: Report) -> bytes:
    """Compressed (RFC 8460 §5.2)."""
    value = {
        "organization-name": report.submitter,
        "date-range": {"start-datetime": _moment(report.day), "end-datetime": _moment(report.day + 86399)},
        "contact-info": report.contact,
        "report-id": report.id,
        "policies": [_policy(report.domain, each) for each in report.policies],
    }
    return gzip.compress(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8"), mtime=0)


def _policy(domain: str, result: PolicyResult) -> dict[str, Any]:
    policy: dict[str, Any] = {"policy-type": result.kind}
    if result.text:
        policy["policy-string"] = list(result.text)
    policy["policy-domain"] = domain
    if result.mx:
        policy["mx-host"] = list(result.mx)
    value: dict[str, Any] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": result.successes,
            "total-failure-session-count": result.failures,
        },
    }
    if result.details:
        value["failure-details"] = [_detail(each) for each in result.details]
    return value


def _detail(detail: FailureDetail) -> dict[str, Any]:
    pairs = {
        "result-type": detail.reason,
        "sending-mta-ip": detail.sending_ip,
        "receiving-mx-hostname": detail.receiving_host,
        "receiving-ip": detail.receiving_ip,
    }
    return {**{key: value for key, value in pairs.items() if value}, "failed-session-count": detail.sessions}


def as_mail(report: Report, recipient: str, now: int, content: bytes) -> bytes:
    """RFC 8460 §5.3. content: the report as as_json has it."""
    boundary = f"=_tlsrpt_{report.day}_{report.domain}"[:70]
    head = (
        f"From: TLS reports <{report.contact}>\r\n"  # a domain of ours, whose key signs it (RFC 8460 §3)
        f"To: <{recipient}>\r\n"
        f"Subject: Report Domain: {report.domain}\r\n"
        f"\tSubmitter: {report.submitter}\r\n"
        f"\tReport-ID: <{report.id}>\r\n"
        f"Date: {format_datetime(datetime.fromtimestamp(now, UTC))}\r\n"
        f"Message-ID: <tlsrpt.{report.day}.{report.domain}@{report.submitter}>\r\n"
        f"TLS-Report-Domain: {report.domain}\r\n"
        f"TLS-Report-Submitter: {report.submitter}\r\n"
        "TLS-Required: No\r\n"  # RFC 8689 §5: a report must arrive although TLS fails
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type="tlsrpt";\r\n\tboundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
        f"This is a report on TLS between {report.submitter}\r\nand the mail servers of {report.domain}\r\n"
        f"on {_moment(report.day)[:10]} (UTC), as RFC 8460 describes it.\r\n\r\n"
        f"--{boundary}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment;\r\n\tfilename="{report.file_name}"\r\n\r\n'
    )
    encoded = encodebytes(content).replace(b"\n", b"\r\n")
    return head.encode("utf-8") + encoded + f"\r\n--{boundary}--\r\n".encode("ascii")


def _moment(seconds: int) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
