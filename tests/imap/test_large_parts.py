"""Attachments through the whole store: kept once, given back octet for octet, read no further than asked."""

import base64
import random
from pathlib import Path
from typing import Any

import pytest

from tests.imap.house import Connection, House
from tests.imap.literals import literal

MIB = 1 << 20


def mail(content: bytes, boundary: bytes, subject: bytes, name: bytes = b"report.pdf") -> bytes:
    return (
        b'Subject: %b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="%b"\r\n\r\n'
        b"--%b\r\n\r\n%b, see below\r\n--%b\r\nContent-Type: application/pdf; name=%b\r\n"
        b"Content-Disposition: attachment; filename=%b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b\r\n--%b--\r\n"
    ) % (subject, boundary, boundary, subject, boundary, name, name, encoded(content), boundary)


def encoded(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_the_same_attachment_in_two_messages_is_kept_once(house: House, client: Connection, tmp_path: Path) -> None:
    """Other headers, other boundaries, another file name, another mailbox, another account: the same content."""
    content = random.Random(1).randbytes(MIB)
    before = on_disk(tmp_path)
    first, second, third = (
        mail(content, boundary, subject, name)
        for boundary, subject, name in (
            (b"one", b"first", b"a.pdf"),
            (b"zwei", b"second", b"b.pdf"),
            (b"3", b"3", b"c"),
        )
    )
    house.put(first)
    after_one = on_disk(tmp_path)
    house.put(second)
    house.put(third, mailbox="Archive")
    after_three = on_disk(tmp_path)
    assert MIB <= after_one - before < 1.1 * MIB  # decoded: base64 would take 1.37
    assert after_three - after_one < 0.1 * MIB
    blobs = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file() and path.stat().st_size >= MIB]
    assert [path.read_bytes() for path in blobs] == [content]
    client.say(b"b SELECT INBOX\r\n")
    assert literal(client.say(b"c FETCH 1 (BODY.PEEK[])\r\n")) == first
    assert literal(client.say(b"c FETCH 2 (BODY.PEEK[])\r\n")) == second
    client.say(b"b SELECT Archive\r\n")
    assert literal(client.say(b"c FETCH 1 (BODY.PEEK[])\r\n")) == third


def test_a_piece_of_a_large_attachment_is_read_by_itself(
    house: House, client: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(2).randbytes(30 * MIB // 4 * 3)
    house.put(mail(content, b"b", b"large"))
    reads: list[int] = []
    reader = house.store.blobs.read

    async def counted(blob_id: Any, start: int, stop: int) -> bytes:
        reads.append(stop - start)
        return await reader(blob_id, start, stop)

    monkeypatch.setattr(house.store.blobs, "read", counted)
    client.say(b"b SELECT INBOX\r\n")
    part = encoded(content)
    for start, length in ((0, 100), (20_000_000, 5_000), (31_000_000, 70_000), (len(part) - 10, 500)):
        reads.clear()
        answer = client.say(b"c FETCH 1 (BODY.PEEK[2]<%d.%d>)\r\n" % (start, length))
        assert literal(answer) == part[start : start + length]
        assert 0 < sum(reads) <= length + 200
    reads.clear()
    assert literal(client.say(b"c FETCH 1 (BODY.PEEK[1])\r\n")) == b"large, see below"
    answer = client.say(b"c FETCH 1 (BODYSTRUCTURE RFC822.SIZE ENVELOPE BODY.PEEK[HEADER] BODY.PEEK[2.MIME])\r\n")
    assert b"BODY[2.MIME] {" in answer
    assert reads == []
