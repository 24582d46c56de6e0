"""smtp/server.py and factory.py: order, back-pressure, times, TLS, the PROXY protocol, the end."""

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.mail.smtp import ESMTP, SMTP
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from mailserverd.smtp.server import MAX_THROWN_AWAY_OCTETS, SmtpServer
from tests.smtp.doubles import NOW, Client, House, TestTransport

BODY = b"Subject: hi\r\n\r\ntext\r\n"


def pass_time(house: House, seconds: float) -> None:
    for _ in range(int(seconds)):
        house.clock.advance(1)


# Order.


def test_one_command_is_in_flight_and_answers_are_in_order(house: House) -> None:
    client = Client(house)
    client.greet()
    house.directory.waits = Deferred()
    assert client.send(b"MAIL FROM:<x@example.net>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n").count(b"\r\n") == 1
    assert client.send(BODY + b".\r\nNOOP\r\n") == b""
    assert client.transport.producerState == "paused", "nothing more is read meanwhile"
    house.copies.waits = Deferred()
    house.directory.waits.callback(None)
    assert [each[:3] for each in client.read().splitlines()] == [b"250", b"354"]
    assert house.copies.delivered == []
    assert client.transport.producerState == "paused" or not client.server._paused
    house.copies.waits.callback(None)
    assert [each[:3] for each in client.read().splitlines()] == [b"250", b"250"]
    assert client.transport.producerState == "producing"
    assert len(house.copies.delivered) == 1


def test_the_answer_to_a_message_is_given_after_the_commit(house: House) -> None:
    client = Client(house)
    client.begin()
    house.copies.waits = Deferred()
    assert client.send(BODY + b".\r\n") == b""
    house.copies.waits.callback(None)
    assert client.read().startswith(b"250 2.0.0")


def test_an_error_of_ours_is_told_and_the_session_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*args: object) -> None:
        raise ZeroDivisionError

    client = Client(house)
    client.greet()
    client.say("MAIL FROM:<>")
    monkeypatch.setattr(house.router, "route", fails)
    assert client.send(b"RCPT TO:<anna@example.org>\r\nNOOP\r\n").splitlines() == [
        b"451 4.3.0 an error of this server; try again later",
        b"250 2.0.0 ok",
    ]


def test_a_failure_that_comes_later_is_told_too(house: House) -> None:
    client = Client(house)
    client.greet()
    client.say("MAIL FROM:<>")
    house.directory.waits = Deferred()
    client.say("RCPT TO:<anna@example.org>")
    house.directory.waits.errback(Failure(ZeroDivisionError()))
    assert client.read().startswith(b"451 4.3.0")


def test_a_flood_of_commands_leaves_turns_to_others(house: House) -> None:
    client = Client(house)
    client.greet()
    first = client.send(b"NOOP\r\n" * 500).count(b"250")
    assert first < 500
    assert client.send(b"NOOP\r\n") == b""
    house.clock.advance(0)
    house.clock.advance(0)
    assert first + client.read().count(b"250") == 501
    assert client.transport.producerState == "producing"


# Back-pressure.


def test_a_client_that_does_not_read_is_not_read_from(house: House) -> None:
    client = Client(house)
    client.greet()
    client.server.pauseProducing()
    assert client.send(b"NOOP\r\n") == b""
    assert client.transport.producerState == "paused"
    client.server.resumeProducing()
    assert client.read().startswith(b"250")
    assert client.transport.producerState == "producing"


def test_a_client_that_never_reads_is_dropped(house: House) -> None:
    client = Client(house)
    client.greet()
    client.server.pauseProducing()
    pass_time(house, 299)
    assert not client.transport.aborted
    pass_time(house, 310)
    assert client.transport.aborted


# Times (RFC 5321 §4.5.3.2).


def test_a_silent_client_is_told_and_dropped(house: House) -> None:
    client = Client(house)
    client.read()
    pass_time(house, 299)
    assert not client.closed
    pass_time(house, 2)
    assert client.read().startswith(b"421 4.4.2")
    assert client.closed


def test_single_octets_do_not_lengthen_a_commands_time(house: House) -> None:
    client = Client(house)
    client.read()
    for _ in range(300):
        client.send(b"N")
        house.clock.advance(1)
    assert client.closed


def test_each_command_has_its_own_time(house: House) -> None:
    client = Client(house)
    client.read()
    for _ in range(5):
        client.say("NOOP")
        pass_time(house, 250)
    assert not client.closed


def test_data_has_time_from_block_to_block_and_in_all(house: House) -> None:
    client = Client(house)
    client.begin()
    pass_time(house, 250)
    client.send(b"x\r\n")
    pass_time(house, 250)
    assert not client.closed
    for _ in range(200):
        client.send(b"x")
        pass_time(house, 1)
    assert client.closed, "a trickle is cut off after 600 seconds"
    client.leave()
    assert house.spool.memory_bytes == 0


def test_a_slow_but_steady_client_is_borne_with(house: House) -> None:
    client = Client(house)
    client.begin()
    for _ in range(1000):
        client.send(b"x" * 1100 + b"\r\n")
        pass_time(house, 1)
    assert not client.closed
    client.leave()


def test_our_own_time_is_not_the_clients(house: House) -> None:
    client = Client(house)
    client.begin()
    house.copies.waits = Deferred()
    client.send(BODY + b".\r\n")
    pass_time(house, 1000)
    assert not client.closed
    house.copies.waits.callback(None)
    assert client.read().startswith(b"250")
    pass_time(house, 299)
    assert not client.closed


def test_who_does_not_take_the_last_reply_is_cut_off(house: House) -> None:
    client = Client(house)
    client.greet()
    client.say("QUIT")
    assert not client.transport.aborted
    pass_time(house, 31)
    assert client.transport.aborted


# STARTTLS.


def test_plaintext_behind_starttls_is_thrown_away(house: House) -> None:
    """RFC 3207 §6; CVE-2011-0411 and its family."""
    client = Client(house)
    client.greet()
    assert client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n") == b"220 2.0.0 ready to start TLS\r\n"
    assert client.transport.started_tls is house.tls
    assert client.send(b"\r\n").startswith(b"500"), "what was begun in the clear is not gone on with"
    assert client.say("RCPT TO:<anna@example.org>").startswith("503")


def test_what_was_said_in_the_clear_is_forgotten(house: House) -> None:
    client = Client(house)
    client.greet()
    client.say("MAIL FROM:<x@example.net>")
    client.say("STARTTLS")
    assert client.say("RCPT TO:<anna@example.org>").startswith("503 5.5.1 MAIL")
    assert client.say("MAIL FROM:<>").startswith("503 5.5.1 say EHLO")
    assert "STARTTLS" not in client.say("EHLO a")
    assert client.say("STARTTLS").startswith("503 5.5.1")


def test_a_login_in_the_clear_does_not_outlive_starttls(house: House) -> None:
    house.authenticator.insecure = True
    house.authenticator.accounts[b"right"] = house.anna
    client = Client(house, "submission")
    client.greet()
    assert client.say("AUTH PLAIN right").startswith("235")
    client.say("STARTTLS")
    client.say("EHLO a")
    assert client.say("MAIL FROM:<anna@example.org>").startswith("530")


def test_without_a_certificate_there_is_no_starttls(house: House) -> None:
    house.tls = None
    client = Client(house)
    assert "STARTTLS" not in client.greet()
    assert client.say("STARTTLS").startswith("454 4.7.0")


# Admission.


def test_too_many_connections_from_one_address(tmp_path: Path) -> None:
    house = House(tmp_path, smtp={"max_connections_per_address": 1})
    factory = house.factory()
    first = Client(house, factory=factory)
    second = Client(house, factory=factory)
    assert second.read().startswith(b"421 4.7.0")
    assert second.closed
    assert not Client(house, host="192.0.2.8", factory=factory).closed
    first.leave()
    second.leave()
    assert Client(house, factory=factory).read().startswith(b"220")


def test_exempt_clients_are_not_limited(tmp_path: Path) -> None:
    house = House(
        tmp_path,
        smtp={"max_connections_per_address": 1, "max_messages_per_minute": 1},
        limits={"exempt_networks": ["192.0.2.0/24"]},
    )
    factory = house.factory()
    clients = [Client(house, factory=factory) for _ in range(5)]
    assert all(each.greet().startswith("250") for each in clients)
    assert all(each.say("MAIL FROM:<>").startswith("250") for each in clients)


# The PROXY protocol.


@pytest.fixture
def proxied(tmp_path: Path) -> House:
    return House(tmp_path, smtp={"proxy_protocol_networks": ["192.0.2.0/24"], "max_connections_per_address": 1})


def test_the_balancer_names_the_client(proxied: House) -> None:
    client = Client(proxied)
    assert client.read() == b"", "no greeting before the header"
    assert client.send(b"PROXY TCP4 198.51.100.9 192.0.2.1 4000 25\r\n").startswith(b"220 ")
    client.begin()
    client.send(BODY + b".\r\n")
    assert b"([198.51.100.9])" in proxied.copies.delivered[0][1]


def test_the_header_may_come_in_pieces_and_with_commands(proxied: House) -> None:
    client = Client(proxied)
    assert client.send(b"PROXY TCP4 198.51.100.9") == b""
    answers = client.send(b" 192.0.2.1 4000 25\r\nEHLO a\r\nNOOP\r\n")
    assert answers.startswith(b"220 ")
    assert answers.endswith(b"250 2.0.0 ok\r\n")


def test_limits_are_for_the_real_client(proxied: House) -> None:
    factory = proxied.factory()
    for i, start in enumerate((b"220", b"421")):
        client = Client(proxied, factory=factory)
        assert client.send(b"PROXY TCP4 198.51.100.9 192.0.2.1 4000 25\r\n").startswith(start), i


@pytest.mark.parametrize("header", [b"EHLO a\r\n", b"PROXY TCP4 x y 1 2\r\n", b"\x16\x03\x01\0\0"])
def test_a_balancer_without_a_right_header_is_dropped(proxied: House, header: bytes) -> None:
    client = Client(proxied)
    assert client.send(header) == b""
    assert client.closed
    assert client.send(b"EHLO a\r\n") == b""


def test_a_header_that_does_not_come_is_not_waited_for(proxied: House) -> None:
    client = Client(proxied)
    pass_time(proxied, 11)
    assert client.closed
    assert client.read() == b""


def test_a_header_from_anybody_else_is_a_bad_command(proxied: House) -> None:
    client = Client(proxied, host="203.0.113.1")
    client.read()
    assert client.send(b"PROXY TCP4 198.51.100.9 192.0.2.1 4000 25\r\n").startswith(b"500 5.5.1")


# The end.


def test_a_client_that_leaves_leaves_nothing(house: House) -> None:
    factory = house.factory()
    client = Client(house, factory=factory)
    client.begin()
    client.send(b"x" * 1000)
    assert house.spool.memory_bytes == 1000
    client.leave()
    assert house.spool.memory_bytes == 0
    assert factory.sessions == set()
    assert factory.services.connections.total == 0
    assert house.clock.getDelayedCalls() == []


def test_a_client_that_leaves_before_its_answer_loses_no_message(house: House) -> None:
    client = Client(house)
    client.begin()
    house.copies.waits = Deferred()
    client.send(BODY + b".\r\n")
    client.leave()
    house.copies.waits.callback(None)
    assert len(house.copies.delivered) == 1
    assert house.spool.memory_bytes == 0
    assert client.read() == b""


def test_stopping_says_421_and_waits_for_answers(house: House) -> None:
    factory = house.factory()
    idle, busy = Client(house, factory=factory), Client(house, factory=factory)
    idle.greet()
    busy.begin()
    house.copies.waits = Deferred()
    busy.send(BODY + b".\r\n")
    over: list[None] = []
    Deferred.fromCoroutine(factory.end_sessions()).addCallback(over.append)
    assert idle.read().startswith(b"421 4.3.2")
    assert idle.closed
    idle.leave()
    assert not busy.closed
    house.copies.waits.callback(None)
    assert [each[:3] for each in busy.read().splitlines()] == [b"250", b"421"]
    assert over == []
    busy.leave()
    assert over == [None]
    assert house.clock.getDelayedCalls() == []


def test_stopping_does_not_wait_for_ever(house: House) -> None:
    factory = house.factory()
    client = Client(house, factory=factory)
    Deferred.fromCoroutine(factory.end_sessions())
    pass_time(house, 20)
    assert client.transport.aborted


def test_stopping_without_sessions_is_at_once(house: House) -> None:
    over: list[None] = []
    Deferred.fromCoroutine(house.factory().end_sessions()).addCallback(over.append)
    assert over == [None]


# The engine of twisted.mail.


def test_no_stock_receiving_or_dispatch_is_reached(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*args: object, **names: object) -> None:
        raise AssertionError("twisted.mail's own engine was reached")

    for owner in (LineOnlyReceiver, SMTP, ESMTP):
        for name in (
            "dataReceived", "lineReceived", "sendLine", "sendCode", "lookupMethod", "state_COMMAND", "state_DATA",
            "state_AUTH", "dataLineReceived", "do_MAIL", "do_RCPT", "do_DATA", "do_EHLO", "do_HELO", "do_QUIT",
            "ext_STARTTLS", "ext_AUTH", "validateFrom", "validateTo", "lineLengthExceeded", "do_UNKNOWN", "do_RSET",
        ):  # fmt: skip
            if name in vars(owner):
                monkeypatch.setattr(owner, name, reached)
    client = Client(house)
    client.begin()
    assert client.send(BODY + b".\r\n").startswith(b"250")
    for line in ("HELO a", "EHLO a", "STARTTLS", "AUTH PLAIN", "BOGUS", "VRFY x", "x" * 20_000, "RSET", "QUIT"):
        client.say(line)
    assert isinstance(client.server, ESMTP)
    assert "dataReceived" in vars(SmtpServer)


def test_one_timer_a_connection(house: House) -> None:
    client = Client(house)
    client.begin()
    client.send(BODY + b".\r\n")
    assert len(house.clock.getDelayedCalls()) == 1
    assert house.clock.seconds() == NOW


class HalfClosing(TestTransport):
    """TCP as Twisted gives it: it can end one direction."""

    half_closed = False

    def getHandle(self) -> object:
        return object()

    def loseWriteConnection(self) -> None:
        self.half_closed = True


def test_what_comes_behind_the_last_reply_is_thrown_away_up_to_a_bound(house: House) -> None:
    client = Client(house)
    client.transport = HalfClosing("192.0.2.7")
    client.server.transport = client.transport
    client.transport.registerProducer(client.server, True)
    client.server.dataReceived(b"nonsense\r\n" * 100)
    assert client.read().endswith(b"421 4.7.0 too many bad commands\r\n")
    assert client.transport.half_closed
    assert not client.transport.disconnecting
    client.server.dataReceived(b"x" * MAX_THROWN_AWAY_OCTETS)
    assert not client.transport.aborted
    client.server.dataReceived(b"x")
    assert client.transport.aborted
