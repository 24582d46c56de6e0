"""Identifiers: what names a thing, and how long the name holds.

AccountId    never reused, even after the account is gone.
MailboxId    within one account, never reused; a rename keeps it (RFC 8474 MAILBOXID).
Uid          within one mailbox and UIDVALIDITY, strictly rising, never reused (RFC 9051 §2.3.1.1).
ModSeq       within one account, strictly rising with every change (RFC 7162); it is the JMAP state too.
EmailId      16 octets, time-ordered; copies of a message share it (RFC 8474 EMAILID).
ThreadId     16 octets, never changes once stored (RFC 8474 THREADID, RFC 8621 §3).
BlobId       SHA-256 of the content.
"""

import base64
from typing import NewType

AccountId = NewType("AccountId", int)
MailboxId = NewType("MailboxId", int)
Uid = NewType("Uid", int)
ModSeq = NewType("ModSeq", int)
EmailId = NewType("EmailId", bytes)
ThreadId = NewType("ThreadId", bytes)
BlobId = NewType("BlobId", bytes)

MAX_UID = 0xFFFFFFFF


def email_id_text(email_id: bytes) -> bytes:
    """The EMAILID of IMAP and the id of a JMAP Email: 1*255 of A-Z a-z 0-9 _ - (RFC 8474 §7)."""
    return b"E" + base64.urlsafe_b64encode(email_id).rstrip(b"=")


def thread_id_text(thread_id: bytes) -> bytes:
    """The THREADID of IMAP and the id of a JMAP Thread (RFC 8474 §7)."""
    return b"T" + base64.urlsafe_b64encode(thread_id).rstrip(b"=")


def mailbox_id_text(mailbox_id: int) -> bytes:
    """The MAILBOXID of IMAP and the id of a JMAP Mailbox (RFC 8474 §7)."""
    return b"M%d" % mailbox_id


def parse_id(text: bytes, letter: bytes) -> bytes | None:
    """The octets behind an EMAILID ("E") or THREADID ("T"); None when it was never one of ours."""
    if text[:1] != letter or len(text) != 23:
        return None
    try:
        raw = base64.b64decode(text[1:] + b"==", altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if len(raw) == 16 else None
