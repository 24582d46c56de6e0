"""Whom to ask, in which order, and whose word is believed.

Standing rules: the order is the administrator's, but one that did not answer goes to the end for a while; AD is
believed only from loopback and from networks that were named (RFC 7672 §2.1.3: the path to the validator must be
secure).
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from mailserverd.config.outbound import Dns, nameserver

REST_SECONDS = 30
SYSTEM_FILE = Path("/etc/resolv.conf")
MAX_NAMESERVERS = 8


class Nameserver(NamedTuple):
    host: str
    port: int
    believed: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Nameservers:
    def __init__(self, all_: tuple[Nameserver, ...]) -> None:
        self.all = all_
        self._rests_until: dict[Nameserver, float] = {}

    @property
    def believed(self) -> bool:
        return any(each.believed for each in self.all)

    def order(self, now: float) -> list[Nameserver]:
        return sorted(self.all, key=lambda each: self._rests_until.get(each, 0) > now)

    def silent(self, which: Nameserver, now: float) -> None:
        self._rests_until[which] = now + REST_SECONDS

    def answered(self, which: Nameserver) -> None:
        self._rests_until.pop(which, None)


def nameservers(settings: Dns, system: Path = SYSTEM_FILE) -> Nameservers:
    """Those of the settings; else those of the system's file; else the one on this host, as the C library has it."""
    pairs = [nameserver(each) for each in settings.nameservers] or [(each, 53) for each in system_hosts(system)]
    pairs = (pairs or [("127.0.0.1", 53)])[:MAX_NAMESERVERS]
    return Nameservers(
        tuple(
            Nameserver(host, port, ip_address(host.partition("%")[0]).is_loopback or host in settings.trust_ad)
            for host, port in dict.fromkeys(pairs)
        )
    )


def system_hosts(path: Path) -> list[str]:
    """The nameserver lines of resolv.conf(5); what is no address is passed over."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    hosts = []
    for words in map(str.split, lines):
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                ip_address(words[1].partition("%")[0])
            except ValueError:
                continue
            hosts.append(words[1])
    return hosts
