"""Who receives: the provider behind a mail exchanger, which all its domains share the limits of.

Standing rules: known by the name of the exchanger only, never by a range of addresses; a name that is not under any
registrable domain (localhost, an address) is a provider of its own. No I/O but the one data file.
"""

import tomllib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from ipaddress import ip_address

from publicsuffixlist import PublicSuffixList

_REMEMBERED = 10_000


class Providers:
    """groups: provider -> names of exchangers, each standing for itself and all below it."""

    def __init__(self, groups: Mapping[str, Sequence[str]], suffixes: PublicSuffixList) -> None:
        self._by_name = {name.lower(): provider for provider, names in groups.items() for name in names}
        self.names = frozenset(groups)
        self._suffixes = suffixes
        self._remembered: OrderedDict[str, str] = OrderedDict()

    def of(self, host: str) -> str:
        """The provider of the first exchanger of a domain: "google", or a registrable domain."""
        found = self._remembered.get(host)
        if found is None:
            found = self._remembered[host] = self._worked_out(host.lower().rstrip("."))
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def _worked_out(self, host: str) -> str:
        try:
            return str(ip_address(host.strip("[]").removeprefix("ipv6:")))
        except ValueError:
            pass
        rest = host
        while rest:
            provider = self._by_name.get(rest)
            if provider is not None:
                return provider
            rest = rest.partition(".")[2]
        return self._suffixes.privatesuffix(host) or host


@cache
def known_providers() -> Providers:
    """With the groups that come with the program."""
    data = tomllib.loads(files("mailserverd.queue").joinpath("providers.toml").read_text("utf-8"))
    return Providers(data["providers"], PublicSuffixList())
