"""The routes of [[outbound.routes]]: which holds for a domain, and where it leads.

Standing rules: the exact domain before the longest ".suffix" before "*"; names are compared as A-labels; the file of a
smarthost's credentials is read again when it changes, and never logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import stat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mailserverd.config.outbound import Route
from mailserverd.model.address import ascii_domain, canonical_domain

DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "lmtp": 24}
MAX_CREDENTIALS_OCTETS = 4096


class Target(NamedTuple):
    protocol: str
    host: str
    port: int


class CredentialsProblem(Exception):
    """The file cannot be used; the text says why, without what is in it."""


def ascii_name(domain: str) -> str:
    """As names are compared here, and asked for."""
    return ascii_domain(canonical_domain(domain.rstrip(".")))


class StaticRoutes:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._exact: dict[str, Route] = {}
        self._below: dict[str, Route] = {}
        self._rest: Route | None = None
        for each in routes:
            if each.domain == "*":
                self._rest = self._rest or each
            elif each.domain.startswith("."):
                self._below.setdefault(ascii_name(each.domain[1:]), each)
            else:
                self._exact.setdefault(ascii_name(each.domain), each)

    def find(self, domain: str) -> Route | None:
        """domain: as A-labels, or an address literal in brackets."""
        found = self._exact.get(domain)
        rest = domain
        while found is None and "." in rest and not domain.startswith("["):
            rest = rest.partition(".")[2]
            found = self._below.get(rest)
        return found or self._rest


def target(route: Route) -> Target | None:
    """None: where the DNS says."""
    if not route.target:
        return None
    parsed = urlsplit(route.target)
    host = parsed.hostname or ""
    return Target(parsed.scheme, ascii_name(host), parsed.port or DEFAULT_PORTS[parsed.scheme])


class CredentialsFiles:
    """Two lines each: user name, password."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], tuple[str, str]]] = {}

    def of(self, path: Path) -> tuple[str, str]:
        """Raises CredentialsProblem."""
        try:
            found = stat(path)
            version = (found.st_mtime_ns, found.st_size)
            if path not in self._read or self._read[path][0] != version:
                self._read[path] = (version, _two_lines(path))
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialsProblem(f"{path} cannot be read ({type(error).__name__})") from None
        return self._read[path][1]


def _two_lines(path: Path) -> tuple[str, str]:
    with path.open("rb") as file:
        lines = file.read(MAX_CREDENTIALS_OCTETS).decode("utf-8").splitlines()
    if len(lines) < 2 or not lines[0] or not lines[1]:
        raise CredentialsProblem(f"{path} does not hold two lines, user name and password")
    return lines[0].strip(), lines[1]
