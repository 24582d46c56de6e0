"""Addresses and domains in the one form in which they are compared: lower-case, NFC, domains as U-labels.

Standing rules: canonical_address() is for looking up, takes anything and never raises; the check_ functions are for
what an administrator is about to create, and say in one sentence what is wrong.
"""

import unicodedata

MAX_LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
MAX_DOMAIN_OCTETS = 255  # RFC 5321 §4.5.3.1.2, as A-labels
MAX_LABEL_OCTETS = 63
_ACE = "xn--"
_SPECIAL = frozenset('()<>[]:;@\\,"')  # RFC 5322 §3.2.3: these need quotes in an address


def canonical_address(address: str) -> str:
    """local@domain as the directory compares it. Local parts are compared without regard to case here."""
    low = address.lower()
    if low.isascii() and _ACE not in low:
        return low
    local, at, domain = low.rpartition("@")
    return unicodedata.normalize("NFC", local) + at + canonical_domain(domain)


def canonical_domain(domain: str) -> str:
    """The domain in lower case with its A-labels read (RFC 5890 §2.3.2.1); a label that does not decode is left."""
    low = domain.lower()
    if _ACE in low:
        low = ".".join(_u_label(label) for label in low.split("."))
    return low if low.isascii() else unicodedata.normalize("NFC", low)


def _u_label(label: str) -> str:
    if not label.startswith(_ACE):
        return label
    try:
        return label[len(_ACE) :].encode("ascii").decode("punycode").lower()
    except UnicodeError:
        return label


def ascii_domain(domain: str) -> str:
    """The domain as A-labels, for the DNS."""
    if domain.isascii():
        return domain
    return ".".join(
        label if label.isascii() else _ACE + label.encode("punycode").decode("ascii") for label in domain.split(".")
    )


def check_domain(domain: str) -> str | None:
    """What is wrong with a (canonical) domain name, or None."""
    labels = ascii_domain(domain).split(".")
    if sum(map(len, labels)) + len(labels) - 1 > MAX_DOMAIN_OCTETS:
        return f"domain {domain!r} is longer than {MAX_DOMAIN_OCTETS} octets"
    for label in labels:
        if not 0 < len(label) <= MAX_LABEL_OCTETS:
            return f"domain {domain!r} has a label that is empty or longer than {MAX_LABEL_OCTETS} octets"
        if label[0] == "-" or label[-1] == "-":
            return f"domain {domain!r} has a label that begins or ends with a hyphen"
    if not all(char.isalnum() or char in "-." or unicodedata.category(char)[0] == "M" for char in domain):
        return f"domain {domain!r} holds characters that no domain name has"
    return None


def check_address(address: str) -> str | None:
    """What is wrong with a (canonical) address, or None."""
    local, at, domain = address.rpartition("@")
    if not at or not local:
        return f"{address!r} is not an address; write name@domain"
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        return f"the name in {address!r} is longer than {MAX_LOCAL_OCTETS} octets"
    if local[0] == "." or local[-1] == "." or ".." in local:  # RFC 5321 §4.1.2 Dot-string
        return f"the name in {address!r} has an empty part between dots"
    if not local.isprintable() or " " in local or not _SPECIAL.isdisjoint(local):
        return f"the name in {address!r} holds characters that need quotes; choose a simpler name"
    return check_domain(domain)
