"""Replies as octets.

Standing rules: every function gives whole lines, ended by CRLF; a line of text never holds a client's octets; only
"." after CRLF is stuffed (RFC 1939 §3 knows no other line end), so a client gets back each octet that was stored.
"""

from collections.abc import Iterable

OK = b"+OK\r\n"
END = b".\r\n"


def ok(text: str) -> bytes:
    return b"+OK %b\r\n" % text.encode()


def err(text: str, code: str = "") -> bytes:
    """code: a response code of RFC 2449 §8 or RFC 3206, such as "IN-USE", or ""."""
    return b"-ERR [%b] %b\r\n" % (code.encode(), text.encode()) if code else b"-ERR %b\r\n" % text.encode()


def lines(text: str, rows: Iterable[bytes]) -> bytes:
    """A multi-line reply. No row may begin with a dot."""
    body = b"\r\n".join(rows)
    return b"+OK %b\r\n%b\r\n.\r\n" % (text.encode(), body) if body else b"+OK %b\r\n.\r\n" % text.encode()


def message(octets: bytes) -> bytes:
    """A whole message as the answer to RETR or TOP, in one piece: stuffed, its last CRLF added where it is missing."""
    stuffed = octets.replace(b"\r\n.", b"\r\n..") if b"\r\n." in octets else octets
    dot = b"." if octets[:1] == b"." else b""  # RFC 1939 §3: the first line is a line too
    tail = END if octets[-2:] == b"\r\n" or not octets else b"\r\n.\r\n"
    return b"".join((b"+OK %d octets\r\n" % len(octets), dot, stuffed, tail))


class Stuffing:
    """The same for a message that comes in pieces, wherever they are cut."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: bytes | None = None  # the end of what came, where it may begin a CRLF; None: nothing came yet

    def piece(self, octets: bytes) -> bytes:
        if not octets:
            return b""
        if self._held is None:
            octets = b"." + octets if octets[:1] == b"." else octets
        else:
            octets = self._held + octets
        keep = 2 if octets[-2:] == b"\r\n" else 1 if octets[-1:] == b"\r" else 0
        self._held = octets[len(octets) - keep :]
        return octets[: len(octets) - keep].replace(b"\r\n.", b"\r\n..")

    def end(self) -> bytes:
        """What is held back, the last CRLF where it is missing, and the final dot."""
        if self._held is None or self._held == b"\r\n":
            return (self._held or b"") + END
        return self._held + b"\r\n.\r\n"


def first_lines(body: bytes, count: int) -> tuple[bytes, int]:
    """The first `count` lines of body, and how many of the lines were not there."""
    end = 0
    while count:
        after = body.find(b"\r\n", end)
        if after < 0:
            return body, count
        end = after + 2
        count -= 1
    return body[:end], 0
