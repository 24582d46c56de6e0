"""smtp/session.py, commands.py: what is decided, through the server over StringTransport."""

import pytest

from mailserverd.model.errors import OverQuota, TryAgain
from tests.smtp.doubles import Client, House

BODY = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


def test_a_message_from_greeting_to_mailbox(house: House) -> None:
    client = Client(house)
    assert client.read() == b"220 mx.example.org ESMTP mailserverd\r\n"
    assert client.say("EHLO client.example.net").splitlines() == [
        "250-mx.example.org",
        "250-PIPELINING",
        f"250-SIZE {50 * 1024 * 1024}",
        "250-8BITMIME",
        "250-SMTPUTF8",
        "250-ENHANCEDSTATUSCODES",
        "250-CHUNKING",
        "250-BINARYMIME",
        "250-LIMITS RCPTMAX=1000",
        "250 STARTTLS",
    ]
    assert client.say("MAIL FROM:<x@example.net> SIZE=100 BODY=8BITMIME").startswith("250 2.1.0 ")
    assert client.say("RCPT TO:<Anna@Example.org>").startswith("250 2.1.5 ")
    assert client.say("DATA").startswith("354 ")
    assert client.send(BODY + b".\r\n").startswith(b"250 2.0.0 ")
    [(account, octets, _)] = house.copies.delivered
    assert account == 1
    assert b"from client.example.net ([192.0.2.7])\r\n\tby mx.example.org with ESMTP\r\n\tid " in octets
    assert b"\tfor <Anna@Example.org>;\r\n" in octets
    assert octets.endswith(BODY)
    assert client.say("QUIT").startswith("221 2.0.0 ")
    assert client.closed
    assert client.transport.no_delay


def test_all_in_one_packet_gives_answers_in_order(house: House) -> None:
    client = Client(house)
    client.greet()
    answers = client.send(
        b"MAIL FROM:<x@example.net>\r\nRCPT TO:<anna@example.org>\r\nRCPT TO:<no@example.org>\r\nDATA\r\n"
        + BODY
        + b".\r\nMAIL FROM:<>\r\nRSET\r\nNOOP\r\n"
    ).splitlines()
    assert [each[:3] for each in answers] == [b"250", b"250", b"550", b"354", b"250", b"250", b"250", b"250"]
    assert len(client.transport.writes[-1].splitlines()) == 8  # joined: one write


def test_helo_has_no_extensions(house: House) -> None:
    client = Client(house)
    client.read()
    assert client.say("HELO client.example.net") == "250 mx.example.org\r\n"
    assert client.say("MAIL FROM:<x@example.net> SIZE=10").startswith("555 5.5.4")
    client.say("MAIL FROM:<x@example.net>")
    client.say("RCPT TO:<anna@example.org>")
    client.say("DATA")
    client.send(BODY + b".\r\n")
    assert b" with SMTP\r\n" in house.copies.delivered[0][1]


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (["MAIL FROM:<x@example.net>"], "503 5.5.1"),
        (["EHLO a", "RCPT TO:<anna@example.org>"], "503 5.5.1"),
        (["EHLO a", "DATA"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "DATA"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "MAIL FROM:<>"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<no@example.org>", "DATA"], "554 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<anna@example.org>", "DATA now"], "501 5.5.4"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<anna@example.org>", "EHLO a", "DATA"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<anna@example.org>", "RSET", "DATA"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<> BODY=BINARYMIME", "RCPT TO:<anna@example.org>", "DATA"], "503 5.5.1"),
        (["EHLO"], "501 5.5.4"),
        (["EHLO a b"], "501 5.5.4"),
        (["LHLO a"], "500 5.5.1"),
        (["NOOP"], "250 2.0.0"),
        (["NOOP with words"], "250 2.0.0"),
        (["noop"], "250 2.0.0"),
        (["HELP"], "214-2.0.0"),
        (["VRFY anna"], "252 2.1.5"),
        (["VRFY"], "501 5.5.4"),
        (["EXPN list"], "502 5.5.1"),
        (["ETRN x"], "502 5.5.1"),
        (["AUTH PLAIN"], "502 5.5.1"),
        (["BOGUS"], "500 5.5.1"),
        ([""], "500 5.5.1"),
        ([" NOOP"], "500 5.5.1"),
        (["RSET"], "250 2.0.0"),
        (["RSET now"], "501 5.5.4"),
        (["EHLO a", "STARTTLS now"], "501 5.5.4"),
        (["STARTTLS"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<x@example.net> SIZE=99999999999"], "552 5.3.4"),
        (["EHLO a", "MAIL FROM:<x@example.net> BOGUS=1"], "555 5.5.4"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<anna@elsewhere.example>"], "550 5.7.1"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<postmaster>"], "250 2.1.5"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<@b.example:anna@example.org>"], "250 2.1.5"),
        (["EHLO a", "MAIL FROM:<>", "RCPT TO:<anna%elsewhere.example@example.org>"], "550 5.1.1"),
        (["EHLO a", "MAIL FROM:<> SMTPUTF8", "RCPT TO:<jürgen@bücher.example>"], "550 5.1.1"),
        (["EHLO a", "BDAT x"], "501 5.5.4"),
    ],
)
def test_orders_and_codes(house: House, lines: list[str], start: str) -> None:
    client = Client(house)
    client.read()
    for line in lines:
        answer = client.say(line)
    assert answer[:9] == start
    assert not client.closed


@pytest.mark.parametrize(
    "line", [b"NOOP\nNOOP\r\n", b"NOOP\rNOOP\r\n", b"NO\0OP\r\n", b"MAIL FROM:<a@b>\nRCPT TO:<c@d>\r\n"]
)
def test_a_line_with_bare_ends_is_one_bad_command(house: House, line: bytes) -> None:
    client = Client(house)
    client.greet()
    assert client.send(line).startswith(b"500 5.5.2 ")
    assert client.say("RCPT TO:<anna@example.org>").startswith("503")


def test_a_line_of_any_length_is_one_bad_command(house: House) -> None:
    client = Client(house)
    client.greet()
    for _ in range(100):
        assert client.send(b"x" * 10_000) == b""
        assert client.server._input.waiting < 13_000
    assert client.send(b"\r") == b""
    assert client.send(b"\nNOOP\r\n").splitlines() == [b"500 5.5.2 line too long", b"250 2.0.0 ok"]


def test_a_line_without_an_end_ends_the_connection(house: House) -> None:
    client = Client(house)
    client.greet()
    said = b""
    for _ in range(200):
        said += client.send(b"x" * 10_000)
    assert said == b"500 5.5.2 line too long\r\n"
    assert client.closed


def test_a_long_line_in_one_piece_is_bad_too(house: House) -> None:
    client = Client(house)
    client.greet()
    assert client.send(b"NOOP " + b"x" * 5000 + b"\r\n").startswith(b"500 5.5.2")
    assert client.send(b"NOOP " + b"x" * 500 + b"\r\n").startswith(b"250")


# Defects of twisted.mail that must not survive.


def test_a_long_line_in_data_is_never_a_command(house: House) -> None:
    client = Client(house)
    client.begin()
    body = b"x" * 40_000 + b"\r\nMAIL FROM:<evil@example.net>\r\nQUIT\r\n"
    for i in range(0, len(body), 1000):
        assert client.send(body[i : i + 1000]) == b""
    assert client.send(b".\r\n").startswith(b"250 2.0.0")
    assert house.copies.delivered[0][1].endswith(body)
    assert not client.closed


@pytest.mark.parametrize(
    "smuggled", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"a\nb", b"a\rb", b"a\0b"]
)
def test_smuggling_is_refused_at_the_dot_and_runs_nothing(house: House, smuggled: bytes) -> None:
    client = Client(house)
    client.begin()
    answers = client.send(b"text" + smuggled + b"MAIL FROM:<evil@example.net>\r\n.\r\nNOOP\r\n").splitlines()
    assert [each[:9] for each in answers] == [b"554 5.6.0", b"250 2.0.0"]
    assert house.copies.delivered == []
    assert house.spool.memory_bytes == 0


def test_failures_of_the_store_are_temporary_and_the_session_goes_on(house: House) -> None:
    house.copies.failing[1] = TryAgain("disk full")
    client = Client(house)
    client.begin()
    assert client.send(BODY + b".\r\n").startswith(b"451 4.3.0")
    house.copies.failing[1] = OverQuota("x")
    client.say("MAIL FROM:<>")
    client.say("RCPT TO:<anna@example.org>")
    client.say("DATA")
    assert client.send(BODY + b".\r\n").startswith(b"452 4.2.2")
    house.copies.failing = {}
    client.say("MAIL FROM:<>")
    client.say("RCPT TO:<anna@example.org>")
    client.say("DATA")
    assert client.send(BODY + b".\r\n").startswith(b"250")
