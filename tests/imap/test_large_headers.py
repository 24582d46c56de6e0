"""Headers of megabytes: given back octet for octet, a piece at a time; never many of them in memory at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailserverd.model.message import HEADER_ROW_OCTETS
from tests.imap.house import Connection, House
from tests.imap.test_large_parts import literal

FIELD = b"X-Long: " + (b"x" * 900 + b"\r\n ") * 1_200 + b"end\r\n"
HEADER = b"Subject: first\r\n" + FIELD + b"To: last@example.net\r\n\r\n"
BODY = b"the body\r\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(house: House) -> Connection:
    made = house.connect()
    made.say(b'a LOGIN user@example.org "correct horse"\r\n')
    house.put(HEADER + BODY)
    made.say(b"b SELECT INBOX\r\n")
    return made


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        (b"", HEADER + BODY),
        (b"HEADER", HEADER),
        (b"TEXT", BODY),
        (b"1", BODY),
        (b"HEADER.FIELDS (Subject)", b"Subject: first\r\n\r\n"),
    ],
)
def test_sections(client: Connection, section: bytes, octets: bytes) -> None:
    assert len(HEADER) > 4 * HEADER_ROW_OCTETS
    assert literal(client.say(b"c FETCH 1 (BODY.PEEK[%b])\r\n" % section)) == octets


def test_pieces(client: Connection) -> None:
    for start, length in ((0, 10), (HEADER_ROW_OCTETS - 5, 10), (len(HEADER) - 5, 100)):
        answer = client.say(b"c FETCH 1 (BODY.PEEK[HEADER]<%d.%d>)\r\n" % (start, length))
        assert literal(answer) == HEADER[start : start + length]


def test_search_looks_at_the_beginning(client: Connection) -> None:
    assert b"* SEARCH 1\r\n" in client.say(b"d SEARCH SUBJECT first TEXT body\r\n")
    assert b"* SEARCH 1\r\n" in client.say(b"d SEARCH HEADER X-Long xxx\r\n")
    assert b"* SEARCH 1\r\n" not in client.say(b"d SEARCH TO last\r\n")
