"""The TXT record of _smtp._tls: where a domain wants its reports (RFC 8460 §3).

Standing rules: what cannot be read asks for nothing; addresses and URLs are checked here, for strangers write them.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from mailserverd.model.address import canonical_address, check_address

MAX_PLACES = 5
MAX_URL = 2000


class Wanted(NamedTuple):
    """Addresses to mail to, and https URLs to post to."""

    addresses: tuple[str, ...]
    urls: tuple[str, ...]


def parse_record(texts: tuple[bytes, ...]) -> Wanted | None:
    """None: no reports are wanted. RFC 8460 §3: other than exactly one record is none."""
    found = [each for each in texts if each.partition(b";")[0].rstrip(b" \t") == b"v=TLSRPTv1"]
    if len(found) != 1:
        return None
    addresses: list[str] = []
    urls: list[str] = []
    for field in found[0].decode("utf-8", "replace").split(";")[1:]:
        key, _, value = field.strip(" \t").partition("=")
        if key.rstrip(" \t") != "rua":
            continue
        for each in value.split(",")[:MAX_PLACES]:
            _place(each.strip(" \t"), addresses, urls)
        break
    return Wanted(tuple(addresses), tuple(urls)) if addresses or urls else None


def _place(uri: str, addresses: list[str], urls: list[str]) -> None:
    low = uri[:8].lower()
    if low.startswith("mailto:"):
        address = canonical_address(unquote(uri[7:].partition("?")[0]))
        if check_address(address) is None:
            addresses.append(address)
    elif low == "https://" and _is_url(uri):
        urls.append(uri)


def _is_url(uri: str) -> bool:
    if len(uri) > MAX_URL or not uri.isascii() or not uri.isprintable() or " " in uri:
        return False
    try:
        parsed = urlsplit(uri)
        return bool(parsed.hostname) and parsed.username is None and (parsed.port or 443) > 0
    except ValueError:
        return False
