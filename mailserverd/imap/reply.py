"""Reply: the tagged answer of a command, and Refused, which a command raises instead of returning one.

Standing rules: one place maps errors to the wire (reply_to_error); a code is one of RFC 5530, RFC 9051 §7.1 or of the
extension that defines it; what is the client's fault is never SERVERBUG.
"""

from typing import NamedTuple

from mailserverd.model import errors


class Reply(NamedTuple):
    """status: b"OK", b"NO" or b"BAD". code: what stands in brackets, such as b"TRYCREATE". text: for a person."""

    status: bytes
    text: str
    code: bytes = b""

    def line(self, tag: bytes) -> bytes:
        if self.code:
            return b"%b %b [%b] %b\r\n" % (tag, self.status, self.code, self.text.encode("ascii", "replace"))
        return b"%b %b %b\r\n" % (tag, self.status, self.text.encode("ascii", "replace"))


def ok(text: str, code: bytes = b"") -> Reply:
    return Reply(b"OK", text, code)


def no(text: str, code: bytes = b"") -> Reply:
    return Reply(b"NO", text, code)


def bad(text: str, code: bytes = b"") -> Reply:
    return Reply(b"BAD", text, code)


class Refused(Exception):
    """A command ends with this reply; nothing was changed by what refused it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


NO_MAILBOX = no("No such mailbox", b"NONEXISTENT")
_ERRORS: tuple[tuple[type[errors.StoreError], Reply], ...] = (
    (errors.TryAgain, no("Cannot do that now, try again later", b"UNAVAILABLE")),
    (errors.OverQuota, no("The account's quota would be passed", b"OVERQUOTA")),
    (errors.AlreadyExists, no("That mailbox exists already", b"ALREADYEXISTS")),
    (errors.NotFound, NO_MAILBOX),
    (errors.LimitReached, no("A limit of this server would be passed", b"LIMIT")),
    (errors.NotPermitted, no("That is not possible here", b"CANNOT")),
    (errors.Conflict, no("Changed by another session meanwhile, try again", b"INUSE")),
    (errors.TooOld, no("Too long ago, synchronise anew", b"UNAVAILABLE")),
    (errors.Damaged, no("Stored mail is damaged", b"CORRUPTION")),
)
_TELLING = (errors.NotPermitted, errors.LimitReached)  # their texts are for the user


def reply_to_error(error: errors.StoreError) -> Reply:
    if isinstance(error, errors.NotPermitted):  # it says which rule, for a person
        return no(str(error).encode("ascii", "backslashreplace"), b"CANNOT")
    for kind, reply in _ERRORS:
        if isinstance(error, kind):
            if isinstance(error, _TELLING) and str(error).isascii() and str(error).isprintable():
                return reply._replace(text=str(error) or reply.text)
            return reply
    return no("Cannot do that now, try again later", b"UNAVAILABLE")
