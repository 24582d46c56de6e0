"""Reply: the tagged answer of a command, and Refused, which a command raises instead of returning one.

Standing rules: one place maps errors to the wire (reply_to_error); a code is one of RFC 5530, RFC 9051 §7.1 or of the
extension that defines it; what is the client's fault is never SERVERBUG.
"""

from typing import NamedTuple

from mailserverd.model import errors
from mailserverd.wire.imap.syntax_error import BadSyntax


class Reply(NamedTuple):
    """status: b"OK", b"NO" or b"BAD". code: what stands in brackets, such as b"TRYCREATE". text: for a person."""

    status: bytes
    text: bytes
    code: bytes = b""

    def line(self, tag: bytes) -> bytes:
        if self.code:
            return b"%b %b [%b] %b\r\n" % (tag, self.status, self.code, self.text)
        return b"%b %b %b\r\n" % (tag, self.status, self.text)


def ok(text: bytes, code: bytes = b"") -> Reply:
    return Reply(b"OK", text, code)


def no(text: bytes, code: bytes = b"") -> Reply:
    return Reply(b"NO", text, code)


def bad(text: bytes, code: bytes = b"") -> Reply:
    return Reply(b"BAD", text, code)


class Refused(Exception):
    """A command ends with this reply; nothing was changed by what refused it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


NO_MAILBOX = no(b"No such mailbox", b"NONEXISTENT")
_ERRORS: tuple[tuple[type[errors.StoreError], Reply], ...] = (
    (errors.TryAgain, no(b"Cannot do that now, try again later", b"UNAVAILABLE")),
    (errors.OverQuota, no(b"The account's quota would be passed", b"OVERQUOTA")),
    (errors.AlreadyExists, no(b"That mailbox exists already", b"ALREADYEXISTS")),
    (errors.NotFound, NO_MAILBOX),
    (errors.LimitReached, no(b"A limit of this server would be passed", b"LIMIT")),
    (errors.NotPermitted, no(b"That is not possible here", b"CANNOT")),
    (errors.Conflict, no(b"Changed by another session meanwhile, try again", b"INUSE")),
    (errors.TooOld, no(b"Too long ago, synchronise anew", b"UNAVAILABLE")),
    (errors.Damaged, no(b"Stored mail is damaged", b"CORRUPTION")),
)
_TELLING = (errors.NotPermitted, errors.LimitReached)  # their texts say which rule, for a person


def reply_to_error(error: errors.StoreError) -> Reply:
    for kind, reply in _ERRORS:
        if isinstance(error, kind):
            if isinstance(error, _TELLING) and str(error).isprintable() and str(error):
                return reply._replace(text=str(error).encode("ascii", "backslashreplace"))
            return reply
    return no(b"Cannot do that now, try again later", b"UNAVAILABLE")


def syntax_reply(error: BadSyntax) -> Reply:
    return (no if error.refused else bad)(str(error).encode("ascii", "backslashreplace"), error.code)
