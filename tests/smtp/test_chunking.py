"""BDAT (RFC 3030), through the server over StringTransport."""

from pathlib import Path

import pytest

from tests.smtp.doubles import Client, House

BODY = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


def chunks(house: House, mail: str = "MAIL FROM:<x@example.net>") -> Client:
    client = Client(house)
    client.greet()
    client.say(mail)
    client.say("RCPT TO:<anna@example.org>")
    return client


def test_a_message_in_chunks(house: House) -> None:
    client = chunks(house)
    assert client.send(b"BDAT 10\r\n" + BODY[:10]).startswith(b"250 2.0.0 10 octets")
    assert client.send(b"BDAT 0\r\n").startswith(b"250 2.0.0")
    rest = BODY[10:]
    assert client.send(b"BDAT %d LAST\r\n" % len(rest)) == b""
    assert client.send(rest + b"NOOP\r\n").count(b"250 ") == 2
    assert house.copies.delivered[0][1].endswith(BODY)


def test_chunks_hold_dots_and_commands_as_they_are(house: House) -> None:
    client = chunks(house)
    body = b"..\r\n.\r\nQUIT\r\n"
    assert client.send(b"BDAT %d LAST\r\n" % len(body) + body).startswith(b"250")
    assert house.copies.delivered[0][1].endswith(b"\r\n" + body)
    assert not client.closed


def test_an_empty_last_chunk(house: House) -> None:
    client = chunks(house)
    client.send(b"BDAT %d\r\n" % len(BODY) + BODY)
    assert client.send(b"BDAT 0 LAST\r\n").startswith(b"250 2.0.0 ok")
    assert house.copies.delivered[0][1].endswith(BODY)


def test_a_chunk_over_the_limit_is_refused_before_its_octets(tmp_path: Path) -> None:
    house = House(tmp_path, smtp={"max_message_bytes": 100})
    client = chunks(house)
    assert client.send(b"BDAT 60\r\n" + b"x" * 60).startswith(b"250")
    assert client.send(b"BDAT 41 LAST\r\n").startswith(b"552 5.3.4")
    assert house.spool.memory_bytes == 0
    evil = b"MAIL FROM:<evil@example.net>\r\nQUIT\r\nab\r\n"
    assert len(evil) == 41 - 1
    assert client.send(evil) == b"", "discarded, not obeyed"
    assert client.send(b"cNOOP\r\n") == b"250 2.0.0 ok\r\n"
    assert not client.closed
    assert house.copies.delivered == []


def test_a_failed_chunk_leaves_only_rset(tmp_path: Path) -> None:
    house = House(tmp_path, smtp={"max_message_bytes": 100})
    client = chunks(house)
    assert client.send(b"BDAT 101\r\n" + b"x" * 101).startswith(b"552")
    assert client.send(b"BDAT 1 \r\nx").startswith(b"503 5.5.1")
    assert client.say("MAIL FROM:<>").startswith("503")
    assert client.say("RSET").startswith("250")
    assert client.say("MAIL FROM:<>").startswith("250")


def test_an_absurd_chunk_ends_the_session(house: House) -> None:
    client = chunks(house)
    assert client.send(b"BDAT 99999999999999\r\n").startswith(b"552 5.3.4")
    assert client.closed


def test_a_chunk_without_recipients_is_swallowed(house: House) -> None:
    client = Client(house)
    client.greet()
    assert client.send(b"BDAT 6\r\nQUIT\r\n").startswith(b"503")
    client.say("MAIL FROM:<>")
    assert client.send(b"BDAT 6 LAST\r\nQUIT\r\n").startswith(b"503")
    assert not client.closed


@pytest.mark.parametrize("bad", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"text\r"])
def test_chunks_of_lines_are_held_to_lines(house: House, bad: bytes) -> None:
    client = chunks(house)
    assert client.send(b"BDAT %d LAST\r\n" % len(bad) + bad).startswith(b"554 5.6.0")
    assert house.copies.delivered == []
    assert house.spool.memory_bytes == 0


def test_binarymime_takes_anything(house: House) -> None:
    client = chunks(house, "MAIL FROM:<x@example.net> BODY=BINARYMIME")
    body = b"Subject: b\r\n\r\n\0\1\r\n.\r\n\n\r\xff"
    assert client.send(b"BDAT %d LAST\r\n" % len(body) + body).startswith(b"250")
    assert house.copies.delivered[0][1].endswith(body)


def test_data_and_chunks_do_not_mix(house: House) -> None:
    client = chunks(house)
    client.send(b"BDAT 3\r\na\r\n")
    assert client.say("DATA").startswith("503 5.5.1")
    assert client.say("RCPT TO:<bob@example.org>").startswith("503 5.5.1")


def test_a_crlf_cut_by_chunks_is_whole(house: House) -> None:
    client = chunks(house)
    client.send(b"BDAT 5\r\ntext\r")
    assert client.send(b"BDAT 1 LAST\r\n\n").startswith(b"250")
    assert house.copies.delivered[0][1].endswith(b"\r\n" + b"text\r\n")
