"""From a reply to the values asked for, along its CNAMEs.

Standing rules: what a reply says about other names than the question leads to is not read; nothing but BadReply and
AliasLoop escapes; TTLs are bounded (RFC 2181 §8, RFC 2308 §5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdatatype import RdataType

from mailserverd.interfaces.resolver import AliasLoop, MailExchanger, ServiceRecord, TlsaRecord

MAX_TTL_SECONDS = 86400
MAX_NEGATIVE_SECONDS = 10800  # RFC 2308 §5
MAX_ALIASES = 16
MAX_RECORDS = 1000
UDP_OCTETS = 1232  # passes without fragments nearly everywhere


class BadReply(Exception):
    """What came is no reply that can be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """records: by type, str, bytes, MailExchanger, TlsaRecord or ServiceRecord. name: where CNAMEs led.

    exists: False is NXDOMAIN
    onward: the CNAMEs end at a name about which the nameserver said nothing: it is to be asked about
    """

    records: tuple[Any, ...]
    name: str
    exists: bool
    secure: bool
    ttl: int
    onward: bool = False


def question(name: str, kind: RdataType, number: int, edns: bool) -> dns.message.QueryMessage:
    """With DO and AD, so that the nameserver says what it validated (RFC 4035 §3.2.1, RFC 6840 §5.7)."""
    if not edns:
        return dns.message.make_query(absolute(name), kind, id=number, use_edns=False)
    flags = dns.flags.RD | dns.flags.AD
    return dns.message.make_query(
        absolute(name), kind, id=number, use_edns=0, want_dnssec=True, payload=UDP_OCTETS, flags=flags
    )


def absolute(name: str) -> dns.name.Name:
    """Raises DNSException: no such name can be."""
    return dns.name.from_text(name, dns.name.root)


def parse(octets: bytes) -> dns.message.Message:
    """Raises BadReply."""
    try:
        return dns.message.from_wire(octets, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError, LookupError, ArithmeticError) as error:
        raise BadReply(f"its reply cannot be read ({type(error).__name__})") from None


def read(reply: dns.message.Message, name: str, kind: RdataType, believed: bool) -> Answer:
    """believed: the AD bit of this nameserver is. Raises AliasLoop."""
    sets = {(each.name, each.rdtype): each for each in reply.answer}
    at, seen, ttl = absolute(name), set[dns.name.Name](), MAX_TTL_SECONDS
    while kind != RdataType.CNAME and (at, RdataType.CNAME) in sets and (at, kind) not in sets:
        if at in seen or len(seen) >= MAX_ALIASES:
            raise AliasLoop(name)
        seen.add(at)
        alias = sets[at, RdataType.CNAME]
        ttl, at = min(ttl, alias.ttl), alias[0].target
    found = sets.get((at, kind))
    exists = reply.rcode() != dns.rcode.NXDOMAIN
    negative = _negative_ttl(reply)
    if found is not None:
        ttl = min(ttl, found.ttl)
    else:
        ttl = min(ttl, negative or 0)
    return Answer(
        records=_values(found, kind) if found is not None else (),
        name=text(at),
        exists=exists or found is not None,
        secure=believed and bool(reply.flags & dns.flags.AD),
        ttl=max(0, ttl),
        onward=bool(seen) and found is None and exists and negative is None,
    )


def _negative_ttl(reply: dns.message.Message) -> int | None:
    """RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM; without a SOA it is not to be remembered."""
    for each in reply.authority:
        if each.rdtype == RdataType.SOA:
            return int(min(each.ttl, each[0].minimum, MAX_NEGATIVE_SECONDS))
    return None


def text(name: dns.name.Name) -> str:
    """As the interface has names: lower case, no last dot; "." is the root."""
    return name.to_text(omit_final_dot=True).lower()


_VALUES: dict[RdataType, Callable[[Any], Any]] = {
    RdataType.MX: lambda it: MailExchanger(it.preference, text(it.exchange)),
    RdataType.A: lambda it: str(it.address),
    RdataType.AAAA: lambda it: str(it.address),
    RdataType.TXT: lambda it: b"".join(it.strings),
    RdataType.TLSA: lambda it: TlsaRecord(it.usage, it.selector, it.mtype, bytes(it.cert)),
    RdataType.SRV: lambda it: ServiceRecord(it.priority, it.weight, it.port, text(it.target)),
    RdataType.PTR: lambda it: text(it.target),
    RdataType.CNAME: lambda it: text(it.target),
}


def _values(found: Any, kind: RdataType) -> tuple[Any, ...]:
    value = _VALUES[kind]
    return tuple(value(each) for each in list(found)[:MAX_RECORDS])
