"""Headers of megabytes: given back octet for octet, a piece at a time; never many of them in memory at once."""

import pytest

from mailserverd.model.message import HEADER_ROW_OCTETS
from tests.imap.house import Connection, House
from tests.imap.literals import literal

FIELD = b"X-Long: " + (b"x" * 900 + b"\r\n ") * 1_200 + b"end\r\n"
HEADER = b"Subject: first\r\n" + FIELD + b"To: last@example.net\r\n\r\n"
BODY = b"the body\r\n"


@pytest.fixture
def client(house: House, client: Connection) -> Connection:
    house.put(HEADER + BODY)
    client.say(b"b SELECT INBOX\r\n")
    return client


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        (b"", HEADER + BODY),
        (b"HEADER", HEADER),
        (b"TEXT", BODY),
        (b"1", BODY),
        (b"HEADER.FIELDS (Subject)", b"Subject: first\r\n\r\n"),
        (b"HEADER.FIELDS (Subject To)", b"Subject: first\r\nTo: last@example.net\r\n\r\n"),
        (b"HEADER.FIELDS (X-Long)", FIELD + b"\r\n"),
        (b"HEADER.FIELDS (Cc)", b"\r\n"),
        (b"HEADER.FIELDS.NOT (X-Long)", b"Subject: first\r\nTo: last@example.net\r\n\r\n"),
        (b"HEADER.FIELDS.NOT (Subject)", HEADER.removeprefix(b"Subject: first\r\n")),
        (b"HEADER.FIELDS.NOT (Cc)", HEADER),
    ],
)
def test_sections(client: Connection, section: bytes, octets: bytes) -> None:
    assert len(HEADER) > 4 * HEADER_ROW_OCTETS
    assert literal(client.say(b"c FETCH 1 (BODY.PEEK[%b])\r\n" % section)) == octets


def test_pieces(client: Connection) -> None:
    for start, length in ((0, 10), (HEADER_ROW_OCTETS - 5, 10), (len(HEADER) - 5, 100)):
        answer = client.say(b"c FETCH 1 (BODY.PEEK[HEADER]<%d.%d>)\r\n" % (start, length))
        assert literal(answer) == HEADER[start : start + length]


def test_pieces_of_fields(client: Connection) -> None:
    shown = FIELD + b"To: last@example.net\r\n\r\n"
    section = b"BODY.PEEK[HEADER.FIELDS.NOT (Subject)]"
    for start, length in ((0, 10), (32_760, 20), (len(FIELD) - 5, 10), (len(shown) - 3, 100), (len(shown), 5)):
        answer = client.say(b"c FETCH 1 (UID %b<%d.%d>)\r\n" % (section, start, length))
        assert literal(answer) == shown[start : start + length]
        assert answer.endswith(b")\r\nc OK Fetched\r\n")


def test_a_long_header_beside_short_ones(house: House, client: Connection) -> None:
    house.put(b"Subject: short\r\nTo: a@example.net\r\n\r\nbody\r\n")
    client.say(b"c NOOP\r\n")
    answer = client.say(b"c FETCH 1:2 (BODY.PEEK[HEADER.FIELDS (To)] BODY.PEEK[TEXT])\r\n")
    assert answer == (
        b"* 1 FETCH (BODY[HEADER.FIELDS (To)] {24}\r\nTo: last@example.net\r\n\r\n BODY[TEXT] {10}\r\nthe body\r\n)\r\n"
        b"* 2 FETCH (BODY[HEADER.FIELDS (To)] {21}\r\nTo: a@example.net\r\n\r\n BODY[TEXT] {6}\r\nbody\r\n)\r\n"
        b"c OK Fetched\r\n"
    )


@pytest.mark.parametrize("body", [b"", b"body\r\n" * 50_000])
def test_more_fields_than_are_told_apart(house: House, client: Connection, body: bytes) -> None:
    lines = [b"%b: %d\r\n" % (name, number) for number in range(1_500) for name in (b"X-A", b"X-B")]
    message = b"".join([*lines, b"To: last@example.net\r\n\r\n"]) + body
    house.put(message)
    client.say(b"c NOOP\r\n")
    ours = b"".join([line for line in lines if line.startswith(b"X-A")])
    assert literal(client.say(b"c FETCH 2 BODY.PEEK[HEADER.FIELDS (X-A)]\r\n")) == ours + b"\r\n"
    assert literal(client.say(b"c FETCH 2 (BODY.PEEK[HEADER.FIELDS (To)] BODY.PEEK[])\r\n")) == (
        b"To: last@example.net\r\n\r\n"
    )
    shown = ours + b"To: last@example.net\r\n\r\n"
    assert literal(client.say(b"c FETCH 2 BODY.PEEK[HEADER.FIELDS.NOT (X-B)]\r\n")) == shown


SEARCHES = [
    (b"SUBJECT first TEXT body", True),
    (b"HEADER X-Long xxx", True),
    (b"HEADER X-Long end", True),
    (b"TO last", True),
    (b"NOT TO last", False),
    (b"TEXT last@example.net", True),
    (b"TEXT nowhere", False),
    (b"HEADER X-None {0}\r\n", False),
    (b"HEADER To {0}\r\n", True),
    (b"BODY last", False),
    (b"SENTON 2-Jan-2001", True),
    (b"OR BODY nowhere FROM me", False),
]


@pytest.mark.parametrize(("keys", "found"), SEARCHES)
def test_search_looks_at_all_of_it(house: House, keys: bytes, found: bool) -> None:
    house.put(HEADER.replace(b"To: ", b"Date: 2 Jan 2001 00:00 GMT\r\nTo: ") + BODY)
    client = house.connect()
    client.say(b'a LOGIN user@example.org "correct horse"\r\nb SELECT INBOX\r\n')
    answer = client.say(b"d SEARCH %b\r\n" % keys.replace(b"{0}", b"{0+}"))
    assert answer.startswith(b"* SEARCH 1\r\n" if found else b"* SEARCH\r\n")


def test_search_tells_more_fields_apart_than_an_index(house: House, client: Connection) -> None:
    lines = [b"X-A: %d\r\n" % number for number in range(3_000)]
    house.put(b"".join([*lines, b"To: last@example.net\r\n\r\nbody\r\n"]))
    client.say(b"c NOOP\r\n")
    assert client.say(b"d SEARCH 2 TO last HEADER X-A 2999\r\n").startswith(b"* SEARCH 2\r\n")
    assert client.say(b"d SEARCH 2 HEADER X-A last\r\n").startswith(b"* SEARCH\r\n")
