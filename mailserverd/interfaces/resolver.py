"""Resolver: DNS answers as values. Every lookup the server makes goes through it.

Embedded it is dnspython, off the reactor thread; in tests it is zone data.

secure: the answer was validated by DNSSEC and came from a nameserver whose AD bit is believed.
An answer is cached for its TTL, a negative one for its SOA minimum; both bounded.
"""

from typing import NamedTuple, Protocol


class NoSuchDomain(Exception):
    """NXDOMAIN: the name does not exist (RFC 1035 §4.1.1). secure as in an answer."""

    def __init__(self, name: str, secure: bool = False) -> None:
        super().__init__(name)
        self.secure = secure


class AliasLoop(NoSuchDomain):
    """CNAMEs that lead in a circle, or on and on: as good as no such name."""


class LookupFailed(Exception):
    """No answer this time: SERVFAIL, timeout, a broken reply. The text says what."""


class MailExchanger(NamedTuple):
    preference: int
    host: str


class TlsaRecord(NamedTuple):
    usage: int
    selector: int
    matching: int
    data: bytes


class ServiceRecord(NamedTuple):
    """SRV (RFC 2782). host ".": there is no such service."""

    priority: int
    weight: int
    port: int
    host: str


class Resolver(Protocol):
    """Names are ASCII (A-labels), without a last dot, as are those in answers. Raises NoSuchDomain, LookupFailed."""

    @property
    def trusts_ad(self) -> bool:
        """Whether any nameserver's AD bit is believed: without, nothing is ever secure."""
        ...

    async def mail_exchangers(self, domain: str) -> tuple[tuple[MailExchanger, ...], bool]:
        """The MX records in no order, and whether the answer is secure; (".",) is the null MX (RFC 7505)."""
        ...

    async def addresses(self, host: str) -> tuple[tuple[str, ...], bool]:
        """AAAA and A together, in this order, and whether both answers are secure. Empty: the name has neither."""
        ...

    async def texts(self, name: str) -> tuple[tuple[bytes, ...], bool]:
        """TXT records, the strings of each joined."""
        ...

    async def tlsa(self, name: str) -> tuple[tuple[TlsaRecord, ...], bool]: ...

    async def canonical(self, host: str) -> tuple[str, bool]:
        """Where CNAMEs lead (the host itself when it is none), and whether every step is secure (RFC 7672 §2.2)."""
        ...

    async def alias(self, host: str) -> tuple[str, bool]:
        """The CNAME record of the name itself ("": it has none), and whether that answer is secure."""
        ...

    async def services(self, name: str) -> tuple[ServiceRecord, ...]:
        """The SRV records, in no order."""
        ...

    async def pointers(self, address: str) -> tuple[str, ...]:
        """The names of an address (PTR)."""
        ...
