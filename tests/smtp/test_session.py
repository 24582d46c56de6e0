"""smtp/session.py, commands.py: what is decided, through the server over StringTransport."""

from pathlib import Path

import pytest

from mailserverd.model.errors import OverQuota, TryAgain
from tests.smtp.doubles import Client, House

BODY = b"Subject: hi\r\nFrom: x@example.net\r\n\r\ntext\r\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


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
        assert len(client.server._input) < 13_000
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


# Limits.


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
    for _ in range(20):
        client.say("BOGUS")
    client.say("NOOP")
    for _ in range(20):
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


# BDAT.


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


# LMTP.


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


# Submission.


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
    assert client.say("RCPT TO:<x@elsewhere.example>").startswith("550 5.7.1 mail to other servers")
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
