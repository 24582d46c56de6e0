"""Every record that a domain needs in the DNS for its mail to arrive, to be believed, and to be found by clients. Pure.

Standing rules: what is listed is what this server does, no more; names are A-labels; a record's value is the one that
`dns --check` looks for, or one that says as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address

from mailserverd.wire.zone.record import Record

STS_MAX_AGE_SECONDS = 604800
# RFC 6186 §3, RFC 8314 §5.1: listener -> service name
SERVICES = {
    "submissions": "_submissions",
    "submission": "_submission",
    "imaps": "_imaps",
    "imap": "_imap",
    "pop3s": "_pop3s",
    "pop3": "_pop3",
}


@dataclass(frozen=True, slots=True)
class Published:
    """What has to be known of the server.

    hostname    the name that greets; domain: whose records; both A-labels
    dkim        of the domain's keys
    spki        SHA-256 of the certificate's public key, b"" where there is none to be read
    enforce     whether the certificate is one that others verify: MTA-STS may be enforced
    ports       by listener, of those that are on
    sources     addresses that mail is sent from besides the host's own
    """

    domain: str
    hostname: str
    dkim: Sequence[Record]
    spki: bytes
    enforce: bool
    ports: Mapping[str, int]
    sources: Sequence[str] = ()


def records(wanted: Published) -> list[Record]:
    domain = wanted.domain
    found = [
        Record(domain, "MX", f"10 {wanted.hostname}.", "MX", "Mail for the domain comes to this server."),
        Record(domain, "TXT", spf(wanted.sources), "SPF", "Who may send mail of the domain (RFC 7208)."),
    ]
    if wanted.hostname != domain:
        found.append(
            Record(
                wanted.hostname, "TXT", "v=spf1 a -all", "SPF", "Bounces are sent in the name of the host (RFC 7208)."
            )
        )
    found += wanted.dkim
    found += [
        Record(
            f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}", "DMARC",
            "What receivers do with mail that only claims to be of the domain (RFC 7489).",
        ),
        Record(
            f"_mta-sts.{domain}", "TXT", f"v=STSv1; id={sts_id(wanted)}", "MTA-STS",
            "There is a policy that asks others to use TLS with a valid certificate (RFC 8461).",
        ),
        Record(
            f"mta-sts.{domain}", "CNAME", f"{wanted.hostname}.", "MTA-STS host",
            f"Where the policy is fetched: https://mta-sts.{domain}/.well-known/mta-sts.txt",
        ),
        Record(
            f"_smtp._tls.{domain}", "TXT", f"v=TLSRPTv1; rua=mailto:postmaster@{domain}", "TLSRPT",
            "Where others report failures of TLS to (RFC 8460).",
        ),
    ]  # fmt: skip
    if wanted.spki:
        found.append(
            Record(
                f"_25._tcp.{wanted.hostname}", "TLSA", f"3 1 1 {wanted.spki.hex()}", "DANE",
                "The key of the certificate (RFC 7672); of use in a zone that is signed.",
            )
        )  # fmt: skip
    return found + _services(wanted)


def spf(sources: Sequence[str]) -> str:
    named = [f"ip{ip_address(each).version}:{each}" for each in sources]
    return " ".join(["v=spf1", "mx", *named, "-all"])


def _services(wanted: Published) -> list[Record]:
    """RFC 6186 §3.4: "." says that a service is not there."""
    found = []
    for listener, service in SERVICES.items():
        port = wanted.ports.get(listener, 0)
        value = f"0 1 {port} {wanted.hostname}." if port else "0 0 0 ."
        name = f"{service}._tcp.{wanted.domain}"
        found.append(Record(name, "SRV", value, "client setup", "Mail programs find the server by it (RFC 6186)."))
    why = "Mail programs fetch their settings there over HTTP, where a web server offers them."
    return [*found, Record(f"autoconfig.{wanted.domain}", "CNAME", f"{wanted.hostname}.", "client setup", why)]


def sts_policy(wanted: Published) -> str:
    """RFC 8461 §3.2."""
    mode = "enforce" if wanted.enforce else "testing"
    return "\r\n".join(
        ["version: STSv1", f"mode: {mode}", f"mx: {wanted.hostname}", f"max_age: {STS_MAX_AGE_SECONDS}", ""]
    )


def sts_id(wanted: Published) -> str:
    """Changes with the policy, and with nothing else."""
    return sha256(sts_policy(wanted).encode()).hexdigest()[:20]
