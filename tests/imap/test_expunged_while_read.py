"""A message whose octets are gone when they are read: nothing of it is written, and the FETCH says so by number."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailserverd.backends.lmdb.account_mail import LmdbAccountMail
from mailserverd.model.errors import NotFound
from tests.imap.house import Connection, House

LARGE = b"Subject: large\r\n\r\n" + b"a line of text that no one reads\r\n" * 40_000


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Connection]:
    house = House(tmp_path)
    made = house.connect()
    made.say(b'a LOGIN user@example.org "correct horse"\r\n')
    house.put(LARGE)
    house.put(b"Subject: small\r\n\r\nhere\r\n")
    made.say(b"b SELECT INBOX\r\n")
    yield made
    house.close()


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def octets(*_: Any) -> bytes:
        raise NotFound("no such message")

    monkeypatch.setattr(LmdbAccountMail, "octets", octets)


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("items", [b"BODY.PEEK[]", b"(UID BODY.PEEK[TEXT] BODY.PEEK[])", b"RFC822"])
def test_it_is_passed_over(client: Connection, items: bytes) -> None:
    said = client.say(b"c FETCH 1:2 %b\r\n" % items)
    assert b"* 1 FETCH (UID 1 BODY" not in said
    assert b"a line of text" not in said
    assert b"* 2 FETCH (" in said
    assert said.endswith(b"c NO [EXPUNGEISSUED] Some of the messages are expunged\r\n")
    said = client.say(b"d UID FETCH 1:2 %b\r\n" % items)
    assert said.endswith(b"d OK Fetched\r\n")
