"""Commands that name one mailbox (RFC 9051 §6.3.4-6.3.8, RFC 9208 §4.1.3): CREATE DELETE SUBSCRIBE UNSUBSCRIBE
GETQUOTAROOT; and RENAME, which names two."""

from dataclasses import dataclass

from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.modified_utf7 import mailbox_name
from mailserverd.wire.imap.syntax_error import BadSyntax


@dataclass(frozen=True, slots=True)
class Create:
    """mailbox: with the trailing "/" if the client wrote one (RFC 9051 §6.3.4: a hint that children will follow)."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Delete:
    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename:
    mailbox: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    mailbox: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    mailbox: str


def _only_name(cursor: Cursor) -> str:
    cursor.space()
    name = mailbox_name(cursor.astring())
    cursor.end()
    return name


def parse_create(cursor: Cursor) -> Create:
    cursor.space()
    name = mailbox_name(cursor.astring())
    if cursor.at_end():
        return Create(name)
    cursor.space()
    raise BadSyntax("Unknown CREATE parameter")


def parse_delete(cursor: Cursor) -> Delete:
    return Delete(_only_name(cursor))


def parse_rename(cursor: Cursor) -> Rename:
    cursor.space()
    old = mailbox_name(cursor.astring())
    cursor.space()
    new = mailbox_name(cursor.astring())
    cursor.end()
    return Rename(old, new)


def parse_subscribe(cursor: Cursor) -> Subscribe:
    return Subscribe(_only_name(cursor))


def parse_unsubscribe(cursor: Cursor) -> Unsubscribe:
    return Unsubscribe(_only_name(cursor))


def parse_getquotaroot(cursor: Cursor) -> GetQuotaRoot:
    return GetQuotaRoot(_only_name(cursor))
