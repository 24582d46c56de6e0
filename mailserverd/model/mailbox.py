"""A mailbox and the state of an account, as the store knows them."""

from dataclasses import dataclass
from typing import NamedTuple

from mailserverd.model.identifiers import MailboxId, ModSeq, Uid

INBOX = "INBOX"
SEPARATOR = "/"
RESERVED_ROOTS = ("Other Users", "Shared")


def inbox_spelt(name: str) -> str:
    """The inbox, also as the first level of its children, is INBOX however it is written (RFC 9051 §5.1)."""
    if name[:5].upper() == INBOX and name[5:6] in ("", SEPARATOR):
        return INBOX + name[5:]
    return name


class MailboxRow(NamedTuple):
    """One mailbox with its counters; counters are kept by the store, never counted.

    name         full name in Unicode, levels parted by "/", no trailing "/"; the inbox is "INBOX"
    recent_from  messages with a UID at or above it have been announced to no read-write session yet
    keywords     the keyword table that the masks of this mailbox are read with; only ever grows
    octets       sum of the RFC822.SIZE of all messages; deleted: how many carry \\Deleted
    special_use  e.g. ("\\Drafts",) (RFC 6154)
    """

    mailbox_id: MailboxId
    name: str
    uid_validity: int
    uid_next: Uid
    highest_modseq: ModSeq
    messages: int
    unseen: int
    deleted: int
    octets: int
    deleted_octets: int
    recent_from: Uid
    keywords: tuple[str, ...]
    special_use: tuple[str, ...]
    subscribed: bool
    created_modseq: ModSeq


@dataclass(frozen=True, slots=True)
class AccountState:
    """The account as a whole: modseq is the newest change; octets and messages count every placement once."""

    modseq: ModSeq
    octets: int
    messages: int
    quota_octets: int | None
