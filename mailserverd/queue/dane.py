"""DANE for SMTP (RFC 7672): which TLSA records hold for a host.

Standing rules: only validated answers count, each of them: the addresses' and the TLSA records'; a lookup that fails is
an error and never "there is none", or whoever can break a lookup could switch DANE off (§2.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailserverd.interfaces.resolver import NoSuchDomain, Resolver, TlsaRecord

TRUST_ANCHOR, END_ENTITY = 2, 3
_DIGEST_OCTETS = {1: 32, 2: 64}
MAX_RECORDS = 50


@dataclass(frozen=True, slots=True)
class Tlsa:
    """base: the name below which they stand, which is also the one for SNI. usable: may be none, then TLS is needed
    all the same, with any certificate (RFC 7672 §2.2)."""

    base: str
    usable: tuple[TlsaRecord, ...]


async def tlsa_of(host: str, port: int, resolver: Resolver) -> Tlsa | None:
    """None: DANE does not hold for this host. Raises LookupFailed."""
    if not resolver.trusts_ad:
        return None
    for base in await _bases(host, resolver):
        try:
            records, secure = await resolver.tlsa(f"_{port}._tcp.{base}")
        except NoSuchDomain:
            continue
        if records and secure:
            return Tlsa(base, tuple(each for each in records if is_usable(each))[:MAX_RECORDS])
    return None


async def _bases(host: str, resolver: Resolver) -> list[str]:
    """RFC 7672 §2.2.2, §2.2.3: the name to which secure CNAMEs lead, then the host's own; only the latter where what
    is insecure comes behind a secure CNAME."""
    try:
        name, secure = await resolver.canonical(host)
        if secure:
            return list(dict.fromkeys((name, host)))
        if name == host:
            return []
        return [host] if (await resolver.alias(host))[1] else []
    except NoSuchDomain:
        return []


def is_usable(record: TlsaRecord) -> bool:
    """RFC 7672 §3.1: DANE-TA(2) and DANE-EE(3) only; RFC 6698 §2.1: known fields, and a digest of its length."""
    if record.usage not in (TRUST_ANCHOR, END_ENTITY) or record.selector not in (0, 1):
        return False
    if record.matching == 0:
        return bool(record.data)
    return len(record.data) == _DIGEST_OCTETS.get(record.matching)
