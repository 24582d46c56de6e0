"""What one client may do: sizes, recipients, bad commands, messages a minute."""

from pathlib import Path

import pytest

from tests.smtp.doubles import Client, House

BODY = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


def test_a_thousand_recipients_and_no_more(house: House) -> None:
    """LIMITS RCPTMAX is exact (RFC 9422); the next gets 452 (RFC 5321 §4.5.3.1.10)."""
    client = Client(house)
    client.greet()
    client.say("MAIL FROM:<>")
    lines = b"".join(b"RCPT TO:<anna+%d@example.org>\r\n" % i for i in range(1000))
    client.server.dataReceived(lines)
    for _ in range(10):
        house.clock.advance(0)
    assert client.read().count(b"250 2.1.5") == 1000
    assert client.say("RCPT TO:<bob@example.org>").startswith("452 4.5.3")
    client.say("DATA")
    assert client.send(BODY + b".\r\n").startswith(b"250")
    assert [each[0] for each in house.copies.delivered] == [1]


def test_too_large_at_the_dot(tmp_path: Path) -> None:
    house = House(tmp_path, smtp={"max_message_bytes": 1000})
    client = Client(house)
    client.begin()
    for _ in range(20):
        assert client.send(b"x" * 100 + b"\r\n") == b""
        assert house.spool.memory_bytes <= 1000
    assert client.send(b".\r\nNOOP\r\n").splitlines()[0].startswith(b"552 5.3.4")
    assert house.spool.memory_bytes == 0
    client.say("MAIL FROM:<>")
    client.say("RCPT TO:<anna@example.org>")
    client.say("DATA")
    assert client.send(b"x" * 998 + b"\r\n.\r\n").startswith(b"250")


def test_an_endless_message_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailserverd.smtp.session.SWALLOWED_OCTETS", 5000)
    house = House(tmp_path, smtp={"max_message_bytes": 1000})
    client = Client(house)
    client.begin()
    answer = b""
    for _ in range(10):
        answer += client.send(b"x" * 1000)
    assert answer.startswith(b"552 5.3.4")
    assert client.closed
    assert house.spool.memory_bytes == 0


def test_too_many_bad_commands_in_a_row(house: House) -> None:
    client = Client(house)
    client.greet()
    for _ in range(19):
        client.say("BOGUS")
    client.say("NOOP")
    for _ in range(19):
        assert "421" not in client.say("BOGUS")
    assert "421 4.7.0" in client.say("BOGUS")
    assert client.closed


def test_trusted_clients_may_stutter(tmp_path: Path) -> None:
    house = House(tmp_path, smtp={"trusted_networks": ["192.0.2.0/24"]})
    client = Client(house)
    client.greet()
    for _ in range(100):
        client.say("BOGUS")
    assert not client.closed
    assert client.say("MAIL FROM:<>").startswith("250")
    assert client.say("RCPT TO:<x@elsewhere.example>").startswith("550 5.7.1"), "trusted is not relayed for"


def test_guessing_names_ends(house: House) -> None:
    client = Client(house)
    client.greet()
    client.say("MAIL FROM:<>")
    for i in range(100):
        assert client.say(f"RCPT TO:<guess{i}@example.org>").startswith("550 5.1.1")
    assert "421 4.7.0" in client.say("RCPT TO:<another@example.org>")
    assert client.closed


def test_commands_that_bring_no_mail_end(house: House) -> None:
    client = Client(house)
    client.greet()
    client.server.dataReceived(b"NOOP\r\n" * 1500)
    for _ in range(20):
        house.clock.advance(0)
    assert client.read().endswith(b"421 4.7.0 too many commands without a message\r\n")
    assert client.closed


def test_messages_a_minute(tmp_path: Path) -> None:
    house = House(tmp_path, smtp={"max_messages_per_minute": 1})
    client = Client(house)
    client.greet()
    assert client.say("MAIL FROM:<>").startswith("250")
    client.say("RSET")
    assert client.say("MAIL FROM:<>").startswith("450 4.7.1")
    house.clock.advance(60)
    assert client.say("MAIL FROM:<>").startswith("250")


def test_an_account_with_a_smaller_limit(house: House) -> None:
    house.directory.add(3, "small@example.org", max_message_octets=100)
    client = Client(house)
    client.greet()
    client.say("MAIL FROM:<> SIZE=101")
    assert client.say("RCPT TO:<small@example.org>").startswith("552 5.3.4")
