"""`dns records` and `dns check`: what a domain has to publish, and whether it does.

Standing rule: the DNS is asked anew each time, so that what was just mended is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailserverd.accounts.administration import VerbRefused, checked_domain
from mailserverd.assembly.dkim_verbs import records_of
from mailserverd.config.schema import Config
from mailserverd.interfaces.resolver import Resolver
from mailserverd.model.address import ascii_domain
from mailserverd.queue.dkim_keys import DkimKeys
from mailserverd.queue.key_rotation import RETIRING, removable_at
from mailserverd.queue.published_records import SERVICES, Published, records, sts_policy
from mailserverd.queue.record_check import RecordCheck

Row = dict[str, Any]


class DnsVerbs:
    """resolver: one that remembers nothing yet. seconds: the wall clock."""

    def __init__(
        self,
        config: Callable[[], Config],
        keys: DkimKeys,
        is_ours: Callable[[str], bool],
        resolver: Callable[[], Resolver],
        seconds: Callable[[], float],
    ) -> None:
        self._config = config
        self._keys = keys
        self._is_ours = is_ours
        self._resolver = resolver
        self._seconds = seconds

    async def records(self, domain: str) -> Row:
        wanted = self._published(domain)
        return {
            "domain": wanted.domain,
            "hostname": wanted.hostname,
            "records": [
                {"name": each.name, "type": each.kind, "value": each.value, "what": each.what, "why": each.why}
                for each in records(wanted)
            ],
            "mta_sts_policy": {
                "url": f"https://mta-sts.{wanted.domain}/.well-known/mta-sts.txt",
                "text": sts_policy(wanted),
            },
            "reverse": {"addresses": list(wanted.sources), "name": wanted.hostname},
        }

    async def check(self, domain: str) -> Row:
        wanted = self._published(domain)
        checking = RecordCheck(self._resolver(), wanted.hostname, wanted.sources)
        return {
            "domain": wanted.domain,
            "differences": [
                {
                    "name": each.name,
                    "type": each.kind,
                    "what": each.what,
                    "wanted": each.wanted,
                    "found": each.found or None,
                    "todo": each.todo,
                    "line": each.line(),
                }
                for each in await checking.differences(records(wanted))
            ],
        }

    def _published(self, domain: str) -> Published:
        name, config = checked_domain(domain), self._config()
        if not self._is_ours(name):
            raise VerbRefused(f"{name} is no domain of this server; add it with: domain add {name}")
        spki, enforce = _certificate(config)
        now, at = int(self._seconds()), ascii_domain(name)
        held = [
            each
            for each in self._keys.of(at)
            if each.generation.state != RETIRING or now < removable_at(each.generation)
        ]
        return Published(
            domain=at,
            hostname=ascii_domain(config.server.hostname.lower()),
            dkim=[record for each in held for record in records_of(each)],
            spki=spki,
            enforce=enforce,
            ports=_ports(config),
            sources=_sources(config),
        )


def _certificate(config: Config) -> tuple[bytes, bool]:
    """SHA-256 of its public key, and whether somebody else signed it, so that strangers can verify it."""
    try:
        certificate = x509.load_pem_x509_certificate(config.tls.certificate.read_bytes())
    except (OSError, ValueError):
        return b"", False
    digest = Hash(SHA256())
    digest.update(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize(), certificate.issuer != certificate.subject


def _ports(config: Config) -> dict[str, int]:
    out = {}
    for name in SERVICES:
        listener = getattr(config, name)
        if listener.enabled and listener.addresses:
            out[name] = listener.addresses[0].port
    return out


def _sources(config: Config) -> Sequence[str]:
    pools = config.outbound.pools.values()
    return tuple(dict.fromkeys(address for pool in pools for address in pool.addresses))
