"""Changes: what happened to an account since a MODSEQ, and the events that hint at it."""

import enum
from dataclasses import dataclass
from typing import NamedTuple

from mailserverd.model.identifiers import AccountId, EmailId, MailboxId, ModSeq, Uid


class Kinds(enum.IntFlag):
    MESSAGES = 1
    MAILBOXES = 2


class What(enum.IntEnum):
    ADDED = 1
    FLAGS = 2
    EXPUNGED = 3
    MAILBOX = 4  # created, renamed, its attributes changed
    MAILBOX_GONE = 5


class Change(NamedTuple):
    """One step in an account's history. uids and email_ids run in parallel (empty for mailbox changes)."""

    modseq: ModSeq
    what: What
    mailbox_id: MailboxId
    uids: tuple[Uid, ...] = ()
    email_ids: tuple[EmailId, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of history, oldest first. more: ask again with since = changes[-1].modseq."""

    changes: tuple[Change, ...]
    newest: ModSeq
    more: bool


class AccountEvent(NamedTuple):
    """Published after a commit is durable (or early-acknowledged, for flags): a hint, never the truth.

    A listener that wants the flags or the counters reads them from MailboxIndex. `origin` is what the
    committer gave, so that a session can tell its own changes from those of others.
    """

    account_id: AccountId
    changes: tuple[Change, ...]
    origin: object | None = None
