"""The tagged answer to a command (RFC 9051 §7.1)."""

from typing import NamedTuple


class Reply(NamedTuple):
    """status: OK, NO or BAD. code: a response code without its brackets, or b""."""

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
