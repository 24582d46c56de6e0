"""What the DNS says, beside what is to be published: a difference a line, with what to do.

Standing rules: a record that says as much as ours is right, however it is written; what cannot be asked is a difference
too, for nobody else can ask it either; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mailserverd.interfaces.resolver import LookupFailed, NoSuchDomain, Resolver
from mailserverd.wire.zone.record import Record


@dataclass(frozen=True, slots=True)
class Difference:
    """found: what the DNS says, "" for nothing. todo: a sentence."""

    name: str
    kind: str
    what: str
    wanted: str
    found: str
    todo: str

    def line(self) -> str:
        says = f"the DNS says {self.found}" if self.found else "it is not in the DNS"
        return f"{self.what}: {self.name} {self.kind}: {says}; {self.todo}"


class RecordCheck:
    """hostname: of this server; sources: addresses that mail is sent from besides the host's own."""

    def __init__(self, resolver: Resolver, hostname: str, sources: Sequence[str]) -> None:
        self._resolver = resolver
        self._hostname = hostname
        self._sources = sources

    async def differences(self, wanted: Sequence[Record]) -> list[Difference]:
        found = [each for record in wanted for each in await self._record(record)]
        return found + await self._host()

    async def _record(self, record: Record) -> list[Difference]:
        ways: dict[str, Callable[[Record], Awaitable[list[Difference]]]] = {
            "MX": self._exchanger,
            "TXT": self._text,
            "TLSA": self._certificate,
            "SRV": self._service,
            "CNAME": self._alias,
        }
        try:
            return await ways[record.kind](record)
        except NoSuchDomain:
            return [] if record.value == _NOT_THERE else [_missing(record)]
        except LookupFailed as error:
            return [_different(record, f"nothing: {error}", "mend the nameserver, then check again")]

    async def _exchanger(self, record: Record) -> list[Difference]:
        found, _ = await self._resolver.mail_exchangers(record.name)
        if not found:
            return [_missing(record)]
        said = ", ".join(f"{each.preference} {each.host}." for each in sorted(found))
        ours = [each.preference for each in found if each.host.lower() == self._hostname]
        if not ours:
            return [_different(record, said, f"publish {record.value}")]
        if min(ours) > min(found).preference:
            return [_different(record, said, f"give {self._hostname} the lowest number, or mail goes elsewhere first")]
        return []

    async def _text(self, record: Record) -> list[Difference]:
        found, _ = await self._resolver.texts(record.name)
        texts = [each.decode("utf-8", "replace") for each in found]
        if record.what.startswith("DKIM"):
            return _dkim(record, texts)
        version = record.value.partition(";")[0].split()[0]
        alike = [each for each in texts if _begins(each, version)]
        if not alike:
            return [_missing(record)]
        if len(alike) > 1:
            return [_different(record, " and ".join(alike), "leave one of them, or none of them counts")]
        return _judged(record, alike[0])

    async def _certificate(self, record: Record) -> list[Difference]:
        found, _ = await self._resolver.tlsa(record.name)
        if not found:
            return [_missing(record)]
        said = [f"{each.usage} {each.selector} {each.matching} {each.data.hex()}" for each in found]
        if record.value in said:
            return []
        todo = f"publish {record.value}: servers that verify DANE send no mail here now"
        return [_different(record, ", ".join(said), todo)]

    async def _service(self, record: Record) -> list[Difference]:
        found = await self._resolver.services(record.name)
        said = [f"{each.priority} {each.weight} {each.port} {each.host.rstrip('.')}." for each in found]
        if not said:
            return [] if record.value == _NOT_THERE else [_missing(record)]
        if any(each.split()[2:] == record.value.split()[2:] for each in said):
            return []
        return [_different(record, ", ".join(said), f"publish {record.value}")]

    async def _alias(self, record: Record) -> list[Difference]:
        """Any address will do: the policy may be served by another host."""
        found, _ = await self._resolver.addresses(record.name)
        return [] if found else [_missing(record)]

    async def _host(self) -> list[Difference]:
        """The host has an address, and each address that mail is sent from has its name (RFC 1912 §2.1)."""
        record = Record(self._hostname, "A", "its address", "host")
        try:
            own, _ = await self._resolver.addresses(self._hostname)
        except NoSuchDomain:
            own = ()
        except LookupFailed as error:
            return [_different(record, f"nothing: {error}", "mend the nameserver, then check again")]
        missing = [] if own else [_different(record, "", f"publish the addresses of {self._hostname}")]
        return missing + [each for address in (*own, *self._sources) for each in await self._pointer(address)]

    async def _pointer(self, address: str) -> list[Difference]:
        record = Record(address, "PTR", f"{self._hostname}.", "reverse")
        todo = f"ask whoever gave you the address to let it mean {self._hostname}"
        try:
            names = await self._resolver.pointers(address)
        except NoSuchDomain:
            names = ()
        except LookupFailed as error:
            return [_different(record, f"nothing: {error}", "mend the nameserver, then check again")]
        if self._hostname in [each.lower() for each in names]:
            return []
        return [_different(record, ", ".join(f"{each}." for each in names), todo)]


_NOT_THERE = "0 0 0 ."


def _dkim(record: Record, texts: Sequence[str]) -> list[Difference]:
    key = tags(record.value).get("p")
    keys = [each for each in texts if "p" in tags(each)]
    if not keys:
        return [_missing(record)]
    if len(keys) > 1:
        return [_different(record, f"{len(keys)} keys", "leave the one that is printed here (RFC 6376 §3.6.2.2)")]
    if tags(keys[0]).get("p") == key:
        return []
    return [_different(record, "another key", "publish the one that is printed here")]


def _judged(record: Record, text: str) -> list[Difference]:
    if record.what == "SPF":
        return _spf(record, text)
    said, wanted = tags(text), tags(record.value)
    if record.what == "DMARC" and said.get("p") not in ("none", "quarantine", "reject"):
        return [_different(record, text, "give it a policy: p=none, p=quarantine or p=reject (RFC 7489 §6.3)")]
    if record.what == "MTA-STS" and said.get("id") != wanted["id"]:
        return [
            _different(record, text, f"publish id={wanted['id']} when the policy that is printed here is published")
        ]
    if record.what == "TLSRPT" and not said.get("rua"):
        return [_different(record, text, "say where reports go: rua=mailto:...")]
    return []


def _spf(record: Record, text: str) -> list[Difference]:
    """Each of our terms stands there, before an "all" that is no welcome for everybody."""
    terms = text.lower().split()
    if any(each.startswith(("include:", "redirect=")) for each in terms) and "+all" not in terms and "all" not in terms:
        return []  # what others say cannot be judged by its looks
    wanted = record.value.lower().split()
    if terms[-1] in ("-all", "~all") and all(each in terms for each in wanted[:-1]):
        return []
    return [_different(record, text, f"publish {record.value}, or put its terms into yours")]


def tags(text: str) -> dict[str, str]:
    """tag=value lists of DKIM, DMARC, MTA-STS, TLSRPT (RFC 6376 §3.2); white space in a value does not count."""
    out: dict[str, str] = {}
    for each in text.split(";"):
        name, equals, value = each.partition("=")
        if equals:
            out.setdefault(name.strip(), "".join(value.split()))
    return out


def _begins(text: str, version: str) -> bool:
    """The version is a word of its own at the beginning."""
    rest = text[len(version) :]
    return text.lower().startswith(version.lower()) and (not rest or rest[0] in "; \t")


def _missing(record: Record) -> Difference:
    return _different(record, "", f"publish {record.value if len(record.value) < 120 else 'the record printed here'}")


def _different(record: Record, found: str, todo: str) -> Difference:
    return Difference(record.name, record.kind, record.what, record.value, found, todo)
