"""Zones: what the DNS says in a test, as a recursive nameserver says it.

zones = Zones("a.example MX 10 mx.a.example", "mx.a.example A 127.0.0.1", secure=["a.example"])
"""

from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType

TTL = 300
SOA = "ns.invalid. nobody.invalid. 1 3600 600 86400 60"


class Zones:
    """Each line: NAME TYPE DATA, as in a zone file.

    secure   names (and all below them) whose answers were validated; "" for all
    failing  names about which it says SERVFAIL; silent: about which it says nothing; a "NAME TYPE" is for one type
    follows  whether it follows CNAMEs itself
    asked    every question, as "NAME TYPE"
    """

    def __init__(
        self,
        *lines: str,
        secure: Iterable[str] = (),
        failing: Iterable[str] = (),
        silent: Iterable[str] = (),
        follows: bool = True,
        ttl: int = TTL,
    ) -> None:
        self.secure, self.failing, self.silent = set(secure), set(failing), set(silent)
        self.follows, self.ttl = follows, ttl
        self.asked: list[str] = []
        self._sets: dict[tuple[dns.name.Name, RdataType], dns.rrset.RRset] = {}
        for line in lines:
            self.add(line)

    def add(self, line: str) -> None:
        name, kind, data = line.split(None, 2)
        at, rdtype = _name(name), RdataType.from_text(kind)
        rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, data, origin=dns.name.root, relativize=False)
        rrset = self._sets.setdefault((at, rdtype), dns.rrset.RRset(at, dns.rdataclass.IN, rdtype))
        rrset.add(rdata, self.ttl)

    def remove(self, name: str, kind: str) -> None:
        self._sets.pop((_name(name), RdataType.from_text(kind)), None)

    def reply(self, query: dns.message.Message) -> dns.message.Message | None:
        """None: nothing is said."""
        asked = query.question[0]
        at, kind = asked.name, asked.rdtype
        name, typed = _text(at), f"{_text(at)} {RdataType.to_text(kind)}"
        self.asked.append(typed)
        if name in self.silent or typed in self.silent:
            return None
        reply = dns.message.make_response(query, recursion_available=True)
        if name in self.failing or typed in self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        chain = self._answer(at, kind, reply)
        if query.flags & dns.flags.AD and all(map(self._is_secure, chain)):
            reply.flags |= dns.flags.AD
        return reply

    def _answer(self, at: dns.name.Name, kind: RdataType, reply: dns.message.Message) -> list[str]:
        chain = [_text(at)]
        while (found := self._sets.get((at, kind))) is None and kind != RdataType.CNAME:
            alias = self._sets.get((at, RdataType.CNAME))
            if alias is None or (len(chain) > 1 and (not self.follows or alias in reply.answer)):
                break
            reply.answer.append(alias)
            at = alias[0].target
            chain.append(_text(at))
        if found is not None and (self.follows or len(chain) == 1):
            reply.answer.append(found)
        elif self.follows or len(chain) == 1:
            if not any(name.is_subdomain(at) for name, _ in self._sets):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            if (at, RdataType.CNAME) not in self._sets:
                reply.authority.append(dns.rrset.from_text(_name("invalid"), 60, "IN", "SOA", SOA))
        return chain

    def _is_secure(self, name: str) -> bool:
        return any(not each or name == each or name.endswith("." + each) for each in self.secure)


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text.lower(), dns.name.root)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
