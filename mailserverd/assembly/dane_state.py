"""Whether DANE is on, for a person; light enough for the command line.

Standing rule: it is off unless a nameserver is asked whose word is believed (RFC 7672 §2.1.3).
"""

from __future__ import annotations

from pathlib import Path

from mailserverd.backends.dns.nameservers import SYSTEM_FILE, nameservers
from mailserverd.config.schema import Config


def dane_state(config: Config, system: Path = SYSTEM_FILE) -> str:
    """For a person: "on", or "off" and why."""
    if not config.outbound.dane:
        return "off: outbound.dane is false"
    asked = nameservers(config.dns, system)
    if asked.believed:
        return "on"
    names = ", ".join(map(str, asked.all))
    return (
        f"off: no nameserver's word that it validated is believed ({names}); run one on this host, or see dns.trust_ad"
    )
