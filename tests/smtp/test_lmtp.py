"""LMTP (RFC 2033): an answer for each recipient."""

from mailserverd.model.errors import OverQuota
from tests.smtp.doubles import Client, House

BODY = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


def test_lmtp_answers_for_each_recipient(house: House) -> None:
    """RFC 2033 §4.2."""
    client = Client(house, "lmtp", host="127.0.0.1")
    assert client.read() == b"220 mx.example.org LMTP mailserverd\r\n"
    assert client.say("EHLO a").startswith("500 5.5.1")
    assert "250-PIPELINING\r\n" in client.say("LHLO a")
    client.say("MAIL FROM:<x@example.net>")
    house.copies.failing[2] = OverQuota("x")
    for name in ("anna", "no", "bob", "anna+tag"):
        client.say(f"RCPT TO:<{name}@example.org>")
    client.say("DATA")
    answers = client.send(BODY + b".\r\n").splitlines()
    assert [each[:9] for each in answers] == [b"250 2.0.0", b"452 4.2.2", b"250 2.0.0"]
    assert b" with LMTP\r\n" in house.copies.delivered[0][1]


def test_lmtp_refusals_are_for_each_recipient_too(house: House) -> None:
    client = Client(house, "lmtp", host="127.0.0.1")
    client.begin("anna@example.org", "bob@example.org", verb="LHLO")
    assert client.send(b"a\nb\r\n.\r\n").count(b"554 5.6.0") == 2
    client.say("MAIL FROM:<>")
    assert client.say("DATA").startswith("503 5.5.1")
    client.say("RCPT TO:<no@example.org>")
    assert client.say("DATA").startswith("503 5.5.1")


def test_lmtp_in_chunks(house: House) -> None:
    client = Client(house, "lmtp", host="127.0.0.1")
    client.greet("LHLO")
    client.say("MAIL FROM:<>")
    client.say("RCPT TO:<anna@example.org>")
    client.say("RCPT TO:<bob@example.org>")
    assert client.send(b"BDAT 3\r\na\r\n").count(b"250") == 1
    assert client.send(b"BDAT 3 LAST\r\nb\r\n").count(b"250 2.0.0 ok") == 2


def test_lmtp_is_for_listed_hosts(house: House) -> None:
    client = Client(house, "lmtp", host="192.0.2.7")
    assert client.read().startswith(b"554 5.7.1")
    assert client.closed
