"""Clients of the corpus scenario: SMTP sessions that pipeline, a POP3 drain, an IMAP drain; octets in, octets out.

Standing rules: what SMTP cannot carry in DATA is told by carried_by_data(); message n is sent with the reverse-path
<m{n}@corpus.invalid>, so that what comes out says which one it is; nothing is read line by line as text.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

SECONDS = 120
_PREFIX = re.compile(
    rb"Return-Path: <m(\d+)@corpus\.invalid>\r\n"
    rb"Received: from client\.invalid \(\[127\.0\.0\.1\]\)\r\n"
    rb"\tby mail\.example\.org with E?SMTP\r\n"
    rb"\tid [A-Za-z0-9._-]+\r\n"
    rb"\tfor <[a-z]+@example\.org>;\r\n"
    rb"\t[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000\r\n"
)
_RETURN_PATH = re.compile(rb"(?im)^return-path[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


def unprefixed(octets: bytes) -> tuple[int, bytes]:
    """Which message it is, and what stands behind our own trace fields, which must be exactly these."""
    found = _PREFIX.match(octets)
    assert found is not None, octets[:400]
    return int(found[1]), octets[found.end() :]


def as_delivered(message: bytes) -> bytes:
    """Without the Return-Path of an earlier delivery, which the last MTA replaces (RFC 5321 §4.4)."""
    end = message.find(b"\r\n\r\n")
    header, rest = (message, b"") if end < 0 else (message[: end + 2], message[end + 2 :])
    return _RETURN_PATH.sub(b"", header) + rest


def carried_by_data(message: bytes) -> bool:
    """RFC 5321 §2.3.8: lines that end with CRLF, no CR or LF beside, no NUL."""
    rest = message.replace(b"\r\n", b"")
    return message.endswith(b"\r\n") and not any(octet in rest for octet in b"\r\n\0")


class SmtpSession:
    """One connection. The end of a message and the envelope of the next leave together (RFC 2920 §3.1)."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.reply(b"220")
        self.socket.sendall(b"EHLO client.invalid\r\n")
        self.reply(b"250")

    def reply(self, code: bytes) -> bytes:
        while True:
            line = self.stream.readline()
            assert line.startswith(code), line
            if line[3:4] == b" ":
                return line

    def send(self, numbered: Iterable[tuple[int, bytes]], recipient: bytes) -> None:
        rest = b""
        for number, message in numbered:
            envelope = b"MAIL FROM:<m%d@corpus.invalid> SIZE=%d%b\r\nRCPT TO:<%b>\r\nDATA\r\n"
            body = b"" if message.isascii() else b" BODY=8BITMIME"
            self.socket.sendall(rest + envelope % (number, len(message), body, recipient))
            if rest:
                self.reply(b"250")
            self.reply(b"250")
            self.reply(b"250")
            self.reply(b"354")
            stuffed = message.replace(b"\r\n.", b"\r\n..")
            rest = (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"
        self.socket.sendall(rest + b"QUIT\r\n")
        if rest:
            self.reply(b"250")
        self.reply(b"221")
        self.close()

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


def send_all(port: int, numbered: Sequence[tuple[int, bytes]], recipient: bytes, sessions: int) -> None:
    with ThreadPoolExecutor(sessions) as pool:
        parts = [numbered[start::sessions] for start in range(sessions)]
        for done in [pool.submit(SmtpSession(port).send, part, recipient) for part in parts]:
            done.result()


def append_all(client: imaplib.IMAP4, messages: Iterable[bytes]) -> None:
    for message in messages:
        status, text = append(client, "INBOX", message)
        assert status == "OK", text


def append(client: imaplib.IMAP4, mailbox: str, message: bytes) -> tuple[str, list[bytes]]:
    """imaplib's own append() makes CRLF of every CR and LF."""
    client.literal = message
    return client._simple_command("APPEND", mailbox, "()", '"17-Jul-2026 02:44:25 +0000"')


def fetch_all(client: imaplib.IMAP4, step: int = 200) -> Iterator[tuple[int, bytes]]:
    """RFC822.SIZE and BODY[] of every message of the inbox."""
    count = int(client.select("INBOX", readonly=True)[1][0])
    for low in range(1, count + 1, step):
        status, found = client.fetch(f"{low}:{min(low + step - 1, count)}", "(RFC822.SIZE BODY.PEEK[])")
        assert status == "OK"
        for part in found:
            if isinstance(part, tuple):
                size = re.search(rb"RFC822\.SIZE (\d+)", part[0])
                assert size is not None
                yield int(size[1]), part[1]


class Pop3Drain:
    """Reads a maildrop by pipelined RETRs."""

    def __init__(self, port: int, context: ssl.SSLContext, user: str, password: str) -> None:
        plain = socket.create_connection(("localhost", port), SECONDS)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.stream = self.socket.makefile("rb")
        self.answer()
        for line in (f"USER {user}", f"PASS {password}"):
            self.say(line)
            self.answer()

    def say(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def answer(self) -> bytes:
        line = self.stream.readline()
        assert line.startswith(b"+OK"), line
        return line

    def sizes(self) -> list[int]:
        self.say("LIST")
        self.answer()
        return [int(line.split()[1]) for line in self.multi_line().splitlines()]

    def multi_line(self) -> bytes:
        """RFC 1939 §3: lines end with CRLF, a dot before a line that begins with one is taken off."""
        lines = []
        new = True
        while True:
            line = self.stream.readline()
            assert line, "the connection ended"
            if new and line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if new and line.startswith(b".") else line)
            new = line.endswith(b"\r\n")

    def all(self, step: int = 32) -> Iterator[tuple[int, bytes]]:
        """LIST's size and the octets of every message."""
        sizes = self.sizes()
        for low in range(1, len(sizes) + 1, step):
            numbers = range(low, min(low + step, len(sizes) + 1))
            self.say(*(f"RETR {number}" for number in numbers))
            for number in numbers:
                self.answer()
                yield sizes[number - 1], self.multi_line()

    def close(self) -> None:
        self.say("QUIT")
        self.answer()
        self.stream.close()
        self.socket.close()
