"""Readers of the vectors and of the real mail that lie beside the project; tests are skipped where they are absent."""

import lzma
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
MBOXES = (
    "spamassassin-easy-ham-1-ham",
    "spamassassin-hard-ham-1-ham",
    "spamassassin-spam-1-spam",
    "openbmc-list-subset",
)

Item = bytes | None | list["Item"]

_next_item = re.compile(rb'\s*(?:(\()|(\))|"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r?\n|([^\s()"{]+))', re.DOTALL).match
_unescape = re.compile(rb"\\(.)").sub


def data(path: str) -> Path:
    """A file or folder of the shared data; the test is skipped when it is not there."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"{found} is not there")
    return found


def read_list(text: bytes, position: int = 0) -> tuple[Item, int]:
    """One IMAP item from `position` on, lists as lists, NIL as None, and where it ends."""
    stack: list[list[Item]] = [[]]
    while True:
        found = _next_item(text, position)
        assert found is not None, text[position : position + 40]
        position = found.end()
        opened, closed, quoted, literal, atom = found.groups()
        if opened:
            stack.append([])
        elif closed:
            stack[-2].append(stack.pop())
        elif quoted is not None:
            stack[-1].append(_unescape(rb"\1", quoted))
        elif literal:
            stack[-1].append(text[position : position + int(literal)])
            position += int(literal)
        else:
            stack[-1].append(None if atom == b"NIL" else atom)
        if len(stack) == 1 and stack[0]:
            return stack[0][0], position


@cache
def mbox(name: str) -> list[bytes]:
    """The messages of an mboxrd file, with CRLF."""
    text = lzma.decompress(data(f"corpus/{name}.mbox.xz").read_bytes())
    starts = [0, *(found.start() + 2 for found in re.finditer(rb"\n\nFrom ", text)), len(text) + 1]
    messages = []
    for start, end in pairwise(starts):
        message = text[start : end - 1]
        message = message[message.index(b"\n") + 1 :]
        if end > len(text) and message.endswith(b"\n\n"):
            message = message[:-1]
        message = re.sub(rb"(?m)^>(>*From )", rb"\1", message)
        messages.append(message.replace(b"\n", b"\r\n"))
    return messages


def oracle(name: str) -> Iterator[dict[bytes, Item]]:
    """What the reference server answered about each message of that mbox, in order."""
    text = lzma.decompress(data(f"corpus/oracle-dovecot-2.3.19/{name}.fetch.txt.xz").read_bytes())
    position = 0
    while position < len(text.rstrip()):
        _, position = read_list(text, position)
        answer, position = read_list(text, position)
        assert isinstance(answer, list)
        keys = [key for key in answer[::2] if isinstance(key, bytes)]
        yield dict(zip(keys, answer[1::2], strict=True))
