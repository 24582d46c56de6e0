"""Which names a mailbox may have, and the one form in which they are compared.

Standing rules: names are Unicode in NFC, levels parted by "/"; the inbox is "INBOX" however it is written, also as
the first level of its children (RFC 9051 §5.1); a name that breaks a rule raises NotPermitted with the reason.
"""

import unicodedata

from mailserverd.model.errors import LimitReached, NotPermitted
from mailserverd.model.mailbox import RESERVED_ROOTS, SEPARATOR, inbox_spelt

MAX_NAME_OCTETS = 400  # it is part of a key of the store
MAX_LEVELS = 32


def canonical_name(name: str) -> str:
    """The name as it is stored; a trailing separator ("may have children", RFC 9051 §6.3.4) is dropped."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    if name[-1:] == SEPARATOR:
        name = name[:-1]
    return inbox_spelt(name)


def check_new_name(name: str) -> None:
    """Raises NotPermitted or LimitReached when no mailbox of this (canonical) name may be made."""
    levels = name.split(SEPARATOR)
    if not all(levels):
        raise NotPermitted("A mailbox name has a level that is empty")
    if levels[0] in RESERVED_ROOTS:
        raise NotPermitted(f"Names below {levels[0]!r} are reserved")
    # RFC 9051 §5.1: no control characters, no U+2028 and U+2029 (but "*" and "%", which are hard to list, are valid)
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") for char in name):
        raise NotPermitted("A mailbox name cannot hold control characters")
    if len(levels) > MAX_LEVELS:
        raise LimitReached(f"A mailbox name has at most {MAX_LEVELS} levels")
    if len(name.encode()) > MAX_NAME_OCTETS:
        raise LimitReached(f"A mailbox name has at most {MAX_NAME_OCTETS} octets")


def parents(name: str) -> list[str]:
    """The names above it, the highest first."""
    levels = name.split(SEPARATOR)
    return [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]


def is_below(name: str, parent: str) -> bool:
    return name.startswith(parent + SEPARATOR)
