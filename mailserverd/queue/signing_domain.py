"""Who signs a message: a domain of ours that its reader sees, else the one that it is sent from.

Standing rules: nobody's mail is signed for a domain that its sender has nothing to do with, for a signature says that
the domain takes the message for its own; what others wrote and we forward is not signed at all (it is sealed).
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from mailserverd.model.address import ascii_domain, canonical_domain
from mailserverd.model.errors import StoreError
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import QueueEntry
from mailserverd.wire.authentication.canonical import fields_of
from mailserverd.wire.authentication.signing_key import SigningKey
from mailserverd.wire.mime.addresses import parse_addresses
from mailserverd.wire.mime.headers import unfolded

Keys = tuple[SigningKey, ...]
_LOOKED_AT = 65_536
_MOST_LABELS = 5
_AUTHOR_OCTETS = 2048


class Senders(Protocol):
    """Whose an address is: the directory knows."""

    async def may_send_as(self, account_id: AccountId, address: str) -> bool:
        """Whether the account's own domain is the one of the address, or its mail reaches the account."""
        ...


async def signing_keys(entry: QueueEntry, message: bytes, keys: Callable[[str], Keys], senders: Senders) -> Keys:
    """keys: those that sign for exactly one domain."""
    if entry.forwarded:
        return ()
    author, envelope = author_of(message), domain_of(entry.sender)
    of_author = keys_above(domain_of(author), keys)
    if of_author and await _may(entry, author, envelope, senders):
        return of_author
    of_envelope = keys_above(envelope, keys)
    if of_author and of_envelope and of_author[0].domain == of_envelope[0].domain != envelope:
        return ()  # a domain below does not speak for the one above
    return of_envelope


async def _may(entry: QueueEntry, author: str, envelope: str, senders: Senders) -> bool:
    if entry.account_id is None or envelope == domain_of(author):
        return True  # ours, or the envelope was found to be the sender's when the message was taken
    try:
        return await senders.may_send_as(entry.account_id, author)
    except StoreError:
        return False


def author_of(message: bytes) -> str:
    """The address in From, the first one where there are several (RFC 6376 §2.3, RFC 5322 §3.6.2); "" for none."""
    end = 0 if message.startswith(b"\r\n") else message.find(b"\r\n\r\n", 0, _LOOKED_AT) + 2
    for name, octets in fields_of(message[:end] if end != 1 else message[:_LOOKED_AT]):
        if name == b"from":
            for each in parse_addresses(unfolded(octets.partition(b":")[2][:_AUTHOR_OCTETS])):
                if each.mailbox and each.host:
                    return (each.mailbox + b"@" + each.host).decode("utf-8", "replace")
    return ""


def domain_of(address: str) -> str:
    """In lower case and A-labels; "" for none and for a literal."""
    domain = canonical_domain(address.rpartition("@")[2].strip(". "))
    return "" if domain.startswith("[") else ascii_domain(domain)


def keys_above(domain: str, keys: Callable[[str], Keys]) -> Keys:
    """Of the domain or of the next one above it that has some (relaxed alignment, RFC 7489 §3.1.1)."""
    for name in _names_above(domain):
        found = keys(name)
        if found:
            return found
    return ()


def _names_above(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    for at in range(min(len(labels) - 1, _MOST_LABELS)):
        yield ".".join(labels[at:])
