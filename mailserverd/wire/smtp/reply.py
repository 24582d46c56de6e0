"""Replies: code, enhanced status code and text to the octets of one or more lines.

Standing rules: text is ours, printable ASCII and short, so that a line stays under 512 octets (RFC 5321 §4.5.3.1.5);
what a client sent is never echoed without passing `printable`.
"""

MAX_TEXT_OCTETS = 450


def printable(text: str) -> str:
    """`text` cut to a line's length with everything but printable ASCII replaced."""
    if text.isascii() and text.isprintable() and len(text) <= MAX_TEXT_OCTETS:
        return text
    return "".join(each if " " <= each <= "~" else "?" for each in text[:MAX_TEXT_OCTETS])


def reply(code: int, status: str, text: str) -> bytes:
    """One line. status: an enhanced status code (RFC 2034 §4), or "" where none belongs (220, 3xx, EHLO)."""
    if status:
        return f"{code} {status} {printable(text)}\r\n".encode("ascii")
    return f"{code} {printable(text)}\r\n".encode("ascii")


def reply_lines(code: int, lines: list[str]) -> bytes:
    """Several lines, each but the last with "-" after the code (RFC 5321 §4.2.1)."""
    last = len(lines) - 1
    return "".join(f"{code}{' ' if i == last else '-'}{printable(line)}\r\n" for i, line in enumerate(lines)).encode()


class BadCommand(Exception):
    """A command that cannot be obeyed as it stands; `reply` says so."""

    def __init__(self, code: int, status: str, text: str) -> None:
        super().__init__(text)
        self.reply = reply(code, status, text)
