"""The Twisted side: order, pipelining, back-pressure, TLS injection, time-outs, stock code out of reach."""

import pytest
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.mail import pop3 as stock
from twisted.protocols import basic

from mailserverd.pop3 import server as module
from mailserverd.pop3.server import MAX_INPUT_OCTETS
from tests.accounts.doubles import PASSWORD
from tests.pop3.stage import Stage

BODY = b"Subject: one\r\n\r\n" + b"x" * 100 + b"\r\n"
LOGIN = (b"USER user@example.org", b"PASS " + PASSWORD.encode())


def test_greeting_and_no_delay():
    client = Stage().client()
    assert client.take() == b"+OK mx.example.org ready\r\n"
    assert client.transport.no_delay


def test_refused_connection_is_told_why_and_never_counted_out():
    stage = Stage()
    stage.doors.refusal = "too many connections from your address"
    client = stage.client()
    assert client.take() == b"-ERR [SYS/TEMP] too many connections from your address\r\n"
    assert client.transport.disconnecting
    client.server.dataReceived(b"CAPA\r\n")
    client.lose()
    assert client.take() == b""
    assert stage.doors.inside == 0


def test_whole_conversation_in_one_packet_is_answered_in_order():
    """Defect of twisted.mail: USER, PASS and STAT together answered -ERR before +OK."""
    stage = Stage()
    stage.mail.add(BODY)
    client = stage.client()
    client.take()
    answers = client.say(*LOGIN, b"STAT", b"RETR 1", b"NOOP", b"QUIT").split(b"\r\n")
    assert answers[0] == b"+OK Send PASS"
    assert answers[1] == b"+OK 1 messages (118 octets)"
    assert answers[2] == b"+OK 1 118"
    assert answers[3] == b"+OK 118 octets"
    assert answers[-4:] == [b".", b"+OK", b"+OK Bye", b""]
    assert client.transport.disconnecting


def test_commands_wait_for_a_login_that_takes_its_time():
    stage = Stage()
    client = stage.client()
    client.take()
    waiting = Deferred()

    async def slow(work, address, known=None):
        await waiting
        return work()

    stage.logins.hashing.run = slow
    assert client.say(*LOGIN, b"STAT") == b"+OK Send PASS\r\n"
    assert client.say(b"UIDL") == b""
    waiting.callback(None)
    assert client.take() == b"+OK 0 messages (0 octets)\r\n+OK 0 0\r\n+OK Unique ids follow\r\n.\r\n"


def test_pipelined_replies_leave_in_one_write(monkeypatch):
    stage = Stage()
    for _ in range(20):
        stage.mail.add(BODY)
    client = stage.logged_in()
    writes = []
    monkeypatch.setattr(client.transport, "write", writes.append)
    client.say(*(b"RETR %d" % n for n in range(1, 21)))
    assert len(writes) == 1
    assert writes[0].count(b"+OK") == 20


def test_every_chunking_gives_the_same_answers():
    stage = Stage()
    stage.mail.add(BODY)
    packet = b"".join(line + b"\r\n" for line in (*LOGIN, b"LIST", b"RETR 1", b"TOP 1 0", b"QUIT"))
    answers = set()
    for size in (1, 2, 3, 7, 1000):
        client = stage.client()
        client.take()
        for start in range(0, len(packet), size):
            client.server.dataReceived(packet[start : start + size])
        answers.add(client.take())
        client.lose()
    assert len(answers) == 1


def test_bare_lf_ends_a_line_too():
    client = Stage().client()
    client.take()
    client.server.dataReceived(b"NOPE\nQUIT\n")
    assert client.take() == b"-ERR unknown command\r\n+OK Bye\r\n"


def test_octets_before_the_handshake_are_never_commands_after_it():
    """Defect of twisted.mail's STARTTLS (RFC 2595 §4)."""
    stage = Stage(insecure=False)
    client = stage.client()
    client.take()
    client.server.dataReceived(b"STLS\r\nUSER injected@example.org\r\nQUIT\r\n")
    assert client.take() == b"+OK Begin TLS\r\n"
    assert client.transport.tls == "the server's TLS"
    assert client.transport.clear_before_tls.endswith(b"+OK Begin TLS\r\n")
    assert client.say(b"PASS x") == b"-ERR send USER first\r\n"
    assert b"STLS" not in client.say(b"CAPA")
    assert client.say(b"STLS") == b"-ERR TLS is on already\r\n"


def test_replies_before_stls_come_before_it():
    client = Stage(insecure=False).client()
    client.take()
    assert client.say(b"NOPE", b"STLS") == b"-ERR unknown command\r\n+OK Begin TLS\r\n"


def test_implicit_tls_counts_as_tls():
    client = Stage(insecure=False).client(implicit_tls=True)
    client.take()
    capabilities = client.say(b"CAPA")
    assert b"USER" in capabilities
    assert b"STLS" not in capabilities
    assert client.say(b"STLS") == b"-ERR TLS is on already\r\n"
    assert client.transport.tls is None


def test_a_client_that_does_not_read_is_not_served():
    stage = Stage()
    stage.mail.add(BODY)
    client = stage.logged_in()
    client.server.pauseProducing()
    assert client.say(b"RETR 1", b"NOOP") == b""
    client.server.resumeProducing()
    assert client.take().endswith(b".\r\n+OK\r\n")


def test_input_of_a_busy_session_is_bounded():
    client = Stage().logged_in()
    client.server.pauseProducing()
    client.server.dataReceived(b"NOOP\r\n" * (MAX_INPUT_OCTETS // 6 + 2))
    assert client.transport.paused_reading
    client.server.resumeProducing()
    assert not client.transport.paused_reading
    assert client.take().count(b"+OK\r\n") == MAX_INPUT_OCTETS // 6 + 2


@pytest.mark.parametrize("line", [b"X" * 600, b"NOOP " + b" " * 600 + b"\r\n"])
def test_endless_line_ends_the_session(line):
    client = Stage().client()
    client.take()
    client.server.dataReceived(line)
    assert client.take() == b"-ERR line too long\r\n"
    assert client.transport.disconnecting


def test_large_message_is_stuffed_across_its_pieces():
    stage = Stage()
    large = b"Subject: l\r\n\r\n" + b".dotted\r\n" * 100_000
    stage.mail.add(large)
    client = stage.logged_in()
    client.server.dataReceived(b"RETR 1\r\n")
    whole = client.take()
    assert whole == b"+OK %d octets\r\n" % len(large) + large.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def test_large_message_is_read_as_the_client_takes_it():
    stage = Stage()
    large = b"Subject: l\r\n\r\n" + b"0123456789abcdef\r\n" * 60_000
    stage.mail.add(large)
    client = stage.logged_in()
    write = client.transport.write

    def write_and_fill(octets):
        write(octets)
        if len(octets) > 1000:
            client.server.pauseProducing()

    client.transport.write = write_and_fill
    pieces = [client.say(b"RETR 1")]
    while not pieces[-1].endswith(b"\r\n.\r\n"):
        client.server.resumeProducing()
        pieces.append(client.take())
        assert len(pieces) < 10
    assert len(pieces) >= 4
    assert max(map(len, pieces)) < 300_000
    assert b"".join(pieces) == b"+OK %d octets\r\n" % len(large) + large + b".\r\n"


def test_client_gone_in_the_middle_of_a_large_message(monkeypatch):
    stage = Stage()
    stage.mail.add(b"Subject: l\r\n\r\n" + b"0123456789abcdef\r\n" * 60_000)
    client = stage.logged_in()
    reads = []
    octets = stage.mail.octets

    async def counted(*args):
        reads.append(args)
        return await octets(*args)

    monkeypatch.setattr(stage.mail, "octets", counted)
    client.transport.write = lambda octets: client.server.pauseProducing()
    client.say(b"RETR 1")
    client.lose()
    assert len(reads) <= 2
    assert stage.doors.inside == 0


def test_idle_client_is_dropped_without_a_word():
    stage = Stage()
    client = stage.logged_in()
    client.say(b"DELE 1")
    stage.clock.advance(599)
    client.say(b"NOOP")
    stage.clock.advance(599)
    assert not client.transport.aborted
    stage.clock.advance(2)
    assert client.transport.aborted
    assert client.take() == b""


def test_neither_octets_nor_commands_lengthen_the_time_for_logging_in():
    stage = Stage()
    client = stage.client()
    for _ in range(6):
        stage.clock.advance(99)
        client.say(b"CAPA")
        client.server.dataReceived(b"x")
    assert not client.transport.aborted
    stage.clock.advance(7)
    assert client.transport.aborted


def test_the_time_after_the_login_is_whole():
    stage = Stage()
    client = stage.client()
    stage.clock.advance(590)
    client.say(b"USER user@example.org", b"PASS " + PASSWORD.encode())
    stage.clock.advance(599)
    assert not client.transport.aborted
    stage.clock.advance(2)
    assert client.transport.aborted


def test_who_reads_nothing_is_dropped():
    stage = Stage()
    client = stage.logged_in()
    for _ in range(5):  # slow, but it does read
        client.server.pauseProducing()
        stage.clock.advance(299)
        client.server.resumeProducing()
    client.server.pauseProducing()
    stage.clock.advance(299)
    assert not client.transport.aborted
    stage.clock.advance(2)
    assert client.transport.aborted


def test_timers_are_never_moved_to_an_earlier_time(monkeypatch):
    """Twisted's reset() would look for the timer among those of all sessions."""
    monkeypatch.setattr(DelayedCall, "reset", lambda *_: pytest.fail("reset"))
    stage = Stage()
    client = stage.logged_in()
    client.server.pauseProducing()
    client.server.resumeProducing()
    client.say(b"QUIT")
    assert client.transport.disconnecting
    stage.clock.advance(0)
    assert len(stage.clock.getDelayedCalls()) == 1
    client.lose()
    assert stage.clock.getDelayedCalls() == []


def test_nothing_but_errors_ends_the_session():
    client = Stage(max_bad_commands=3).client()
    client.take()
    client.say(b"A", b"B")
    client.say(b"CAPA")  # not in a row
    client.say(b"A", b"B")
    assert not client.transport.disconnecting
    assert client.say(b"C", b"CAPA").endswith(b"-ERR too many bad commands\r\n")
    assert client.transport.disconnecting


def test_commands_are_observed_by_verbs_of_a_closed_set():
    stage = Stage()
    client = stage.client()
    client.say(b"capa", b"\xff\xfe", b"RETR 1")
    assert stage.observed == ["CAPA", "other", "other"]


def test_goodbye_when_the_server_stops():
    stage = Stage()
    client = stage.logged_in()
    done = Deferred.fromCoroutine(stage.factory.end_sessions())
    assert client.take() == b"-ERR [SYS/TEMP] the server is shutting down\r\n"
    client.lose()
    stage.clock.advance(1)
    assert done.called
    assert not client.transport.aborted


def test_who_does_not_go_is_dropped_when_the_server_stops():
    stage = Stage()
    client = stage.logged_in()
    done = Deferred.fromCoroutine(stage.factory.end_sessions())
    stage.clock.pump([1] * 7)
    assert done.called
    assert client.transport.aborted


def test_no_stock_code_is_reached(monkeypatch):
    stage = Stage()
    stage.mail.add(BODY)

    def forbidden(*args, **kwargs):
        raise AssertionError("stock code reached")

    for name in ("lineReceived", "processCommand", "state_COMMAND", "state_AUTH", "_sendMessageContent", "sendLine"):
        monkeypatch.setattr(stock.POP3, name, forbidden)
    monkeypatch.setattr(basic.LineOnlyReceiver, "dataReceived", forbidden)
    for name in [name for name in dir(stock.POP3) if name.startswith("do_")]:
        monkeypatch.setattr(stock.POP3, name, forbidden)
    assert module.Pop3Server.dataReceived is not basic.LineOnlyReceiver.dataReceived
    client = stage.logged_in()
    verbs = (b"CAPA", b"STAT", b"LIST", b"UIDL", b"RETR 1", b"TOP 1 1", b"DELE 1", b"RSET", b"NOOP", b"LAST", b"RPOP x")
    assert client.say(*verbs, b"RETR", b"QUIT").count(b"-ERR") == 3
