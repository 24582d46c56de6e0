"""Submission (RFC 6409, RFC 4954): logging in, whose address the sender is, what is completed."""

from tests.smtp.doubles import Client, House

BODY = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


def submitter(house: House, listener: str = "submissions") -> Client:
    house.authenticator.accounts[b"right"] = house.anna
    client = Client(house, listener)
    client.greet()
    return client


def test_submission_needs_a_login(house: House) -> None:
    client = submitter(house)
    assert "250 AUTH PLAIN LOGIN\r\n" in client.say("EHLO a")
    assert client.say("MAIL FROM:<anna@example.org>").startswith("530 5.7.0")
    assert client.say("AUTH PLAIN wrong").startswith("535 5.7.8")
    assert client.say("AUTH PLAIN right").startswith("235 2.7.0")
    assert client.say("AUTH PLAIN right").startswith("503 5.5.1")
    assert "AUTH" not in client.say("EHLO a")
    assert client.say("MAIL FROM:<anna@example.org>").startswith("250")


def test_submission_in_the_clear_offers_no_login(house: House) -> None:
    client = submitter(house, "submission")
    assert "AUTH" not in client.say("EHLO a")
    assert client.say("AUTH PLAIN right").startswith("538 5.7.11")
    assert client.say("MAIL FROM:<anna@example.org>").startswith("530 5.7.0 say STARTTLS")
    house.authenticator.insecure = True
    assert "250 AUTH PLAIN LOGIN\r\n" in client.say("EHLO a")


def test_a_login_in_steps(house: House) -> None:
    client = submitter(house)
    assert client.say("AUTH BOGUS").startswith("504 5.5.4")
    assert client.say("AUTH").startswith("501 5.5.4")
    assert client.say("AUTH PLAIN a b").startswith("501 5.5.4")
    assert client.say("AUTH PLAIN") == "334 \r\n"
    assert client.say("*").startswith("501 5.0.0")
    assert client.say("AUTH login") == "334 \r\n"
    assert client.say("right").startswith("235")


def test_a_login_may_be_longer_than_a_command(house: House) -> None:
    """RFC 4954 §4: 12,288 octets."""
    client = submitter(house)
    assert client.say("AUTH PLAIN " + "x" * 12_288).startswith("535")
    assert client.say("AUTH PLAIN") == "334 \r\n"
    assert client.say("x" * 12_288).startswith("535")
    assert client.say("AUTH PLAIN " + "x" * 20_000).startswith("500 5.5.2")


def test_no_login_within_a_message_nor_before_ehlo(house: House) -> None:
    client = submitter(house)
    client.say("AUTH PLAIN right")
    client.say("MAIL FROM:<anna@example.org>")
    assert client.say("AUTH PLAIN right").startswith("503 5.5.1")
    other = Client(house, "submissions")
    assert other.say("AUTH PLAIN right").splitlines()[-1].startswith("503 5.5.1")


def test_a_user_sends_as_what_is_the_users(house: House) -> None:
    client = submitter(house)
    client.say("AUTH PLAIN right")
    assert client.say("MAIL FROM:<bob@example.org>").startswith("553 5.7.1")
    assert client.say("MAIL FROM:<x@elsewhere.example>").startswith("553 5.7.1")
    assert client.say("MAIL FROM:<>").startswith("250")
    client.say("RSET")
    assert client.say("MAIL FROM:<Anna+work@example.org>").startswith("250")
    assert client.say("RCPT TO:<x@elsewhere.example>").startswith("250 2.1.5")
    house.directory.broken = True
    client.say("RSET")
    assert client.say("MAIL FROM:<anna@example.org>").startswith("451 4.3.0")


def test_a_submitted_message_is_completed(house: House) -> None:
    client = submitter(house)
    client.say("AUTH PLAIN right")
    client.say("MAIL FROM:<anna@example.org>")
    client.say("RCPT TO:<bob@example.org>")
    client.say("DATA")
    assert client.send(b"From: anna@example.org\r\nBcc: bob@example.org\r\n\r\ntext\r\n.\r\n").startswith(b"250")
    [(account, octets, _)] = house.copies.delivered
    assert account == 2
    assert b" with ESMTPSA\r\n" in octets
    assert b"\r\nDate: " in octets
    assert b"@mx.example.org>\r\nFrom: anna" in octets
    assert b"Bcc" not in octets


def test_the_mx_completes_nothing(house: House) -> None:
    client = Client(house)
    client.begin()
    client.send(b"Bcc: x\r\n\r\ntext\r\n.\r\n")
    octets = house.copies.delivered[0][1]
    assert octets.endswith(b"\r\nBcc: x\r\n\r\ntext\r\n")
    assert b"Message-ID" not in octets
