"""The engine: framing, order, bounds, states, time; and the defects of twisted.mail that must not survive."""

import base64

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.mail import imap4
from twisted.python.failure import Failure
from zope.interface import directlyProvides

from mailserverd.imap import in_flight, server
from mailserverd.imap.commands.table import RUNNERS
from mailserverd.imap.reply import ok
from mailserverd.model.account import Revoked
from mailserverd.model.errors import OverQuota
from mailserverd.model.identifiers import AccountId
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS
from tests.imap.engine import Engine, Transport


def test_every_verb_has_a_runner():
    assert set(RUNNERS) == {verb.name for verb in (*VERBS.values(), *UID_VERBS.values())}


def test_greeting_and_capabilities_by_state():
    engine = Engine(login=False)
    assert engine.greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 LITERAL+")
    assert b"STARTTLS" in engine.greeting
    assert b"AUTH=PLAIN" in engine.greeting
    out = engine.say(b"a LOGIN u p\r\n")
    assert out.startswith(b"a OK [CAPABILITY IMAP4rev1")
    assert b"APPENDLIMIT=52428800" in out
    assert b"STARTTLS" not in out


def test_login_in_the_clear_is_refused():
    engine = Engine(login=False)
    engine.passwords.insecure = False
    assert b"LOGINDISABLED" in engine.say(b"a CAPABILITY\r\n")
    assert engine.say(b"b LOGIN u p\r\n").startswith(b"b NO [PRIVACYREQUIRED]")


def test_wrong_password_and_quoted_escapes():
    engine = Engine(login=False)
    assert engine.say(b'a LOGIN "u" "p\\"q"\r\n').startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert engine.say(b"b LOGIN {1}\r\n") == b"+ OK\r\n"
    assert engine.say(b"u {1}\r\n") == b"+ OK\r\n"
    assert engine.say(b"p\r\n").startswith(b"b OK")


def test_starttls_throws_away_what_came_in_the_clear():
    engine = Engine(login=False)
    out = engine.say(b"a STARTTLS\r\nb NOOP\r\n")
    assert out == b"a OK Begin TLS now\r\n"
    assert engine.transport.tls_context is engine.factory.tls
    assert engine.say(b"c NOOP\r\n") == b"c OK Nothing done\r\n"
    assert engine.say(b"d STARTTLS\r\n").startswith(b"d BAD")


def slow_check(monkeypatch):
    """CHECK is answered when the Deferred given back is."""
    waiting = Deferred()

    async def slow(session, command):
        await waiting
        return ok(b"slow")

    monkeypatch.setitem(RUNNERS, "CHECK", slow)
    return waiting


def test_one_command_in_flight_and_answers_in_order(monkeypatch):
    engine = Engine()
    waiting = slow_check(monkeypatch)
    engine.say(b"s SELECT INBOX\r\n")
    assert engine.say(b"a CHECK\r\nb NOOP\r\nc CAPABILITY\r\n") == b""
    waiting.callback(None)
    out = engine.say(b"")
    assert out.index(b"a OK") < out.index(b"b OK") < out.index(b"c OK")


def test_a_wait_that_fails_raises_in_the_command(monkeypatch):
    engine = Engine()
    waiting = Deferred()

    async def refused(session, command):
        await waiting
        raise AssertionError("it went on")

    monkeypatch.setitem(RUNNERS, "NOOP", refused)
    assert engine.say(b"a NOOP\r\n") == b""
    waiting.errback(OverQuota())
    assert engine.took().startswith(b"a NO [OVERQUOTA]")
    assert engine.say(b"b CAPABILITY\r\n").endswith(b"b OK Capabilities listed\r\n")


def test_a_failure_is_answered_and_the_next_command_runs(monkeypatch):
    engine = Engine()

    async def broken(session, command):
        raise ZeroDivisionError

    monkeypatch.setitem(RUNNERS, "NOOP", broken)
    monkeypatch.setattr("mailserverd.imap.in_flight.log.failure", lambda *a, **k: None)
    out = engine.say(b"a NOOP\r\nb CAPABILITY\r\n")
    assert out.startswith(b"a NO [SERVERBUG]")
    assert b"b OK" in out


def test_stock_parsing_cannot_be_reached(monkeypatch):
    kept = {"__init__", "makeConnection"}
    for name, value in list(vars(imap4.IMAP4Server).items()):
        if callable(value) and name not in kept:
            monkeypatch.setattr(imap4.IMAP4Server, name, None)
    engine = Engine()
    assert b"b OK" in engine.say(b"b SELECT INBOX\r\n")
    assert b"c OK" in engine.say(b"c LOGOUT\r\n")
    engine.server.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"a\r\n", b"a BAD"),
        (b"\r\n", b"* BAD"),
        (b"a BOGUS\r\n", b"a BAD"),
        (b"a FETCH 1 FLAGS\r\n", b"a BAD"),
        (b"a UID BOGUS\r\n", b"a BAD"),
        (b"a STATUS nope (MESSAGES)\r\n", b"a NO [NONEXISTENT]"),
        (b"a CREATE Shared/x\r\n", b"a NO [CANNOT]"),
        (b"a CREATE INBOX\r\n", b"a NO [ALREADYEXISTS]"),
        (b"a CREATE a&b\r\n", b"a NO [CANNOT]"),
        (b"a LOGIN u p\r\n", b"a BAD"),
        (b"+ NOOP\r\n", b"* BAD"),
    ],
)
def test_exact_refusals(line, answer):
    assert Engine().say(line).startswith(answer)


def test_only_bad_commands_in_a_row_end_the_connection():
    engine = Engine(max_bad_commands=3)
    for _ in range(5):
        engine.say(b"a X\r\nb X\r\nc NOOP\r\n")
    assert not engine.transport.disconnecting
    assert b"* BYE" in engine.say(b"a X\r\nb X\r\nc X\r\n")
    assert engine.transport.disconnecting


def test_literal_too_large_is_refused_before_its_octets():
    engine = Engine()
    assert engine.say(b"a CREATE {1000000}\r\n").startswith(b"a BAD [TOOBIG]")
    assert engine.say(b"b NOOP\r\n") == b"b OK Nothing done\r\n"
    assert engine.say(b"c APPEND INBOX {99999999999}\r\n").startswith(b"c NO [TOOBIG]")


def test_literal_too_large_that_comes_at_once_is_swallowed():
    engine = Engine()
    assert engine.say(b"a CREATE {100000+}\r\n") == b""
    for _ in range(10):
        assert engine.say(b"b NOOP\r\n" * 1250) == b""
    assert engine.say(b"\r\nc NOOP\r\n") == b"a BAD [TOOBIG] Literal too large\r\nc OK Nothing done\r\n"


def test_long_line_is_swallowed():
    engine = Engine()
    for _ in range(100):
        assert engine.say(b"a NOOP " + b"x" * 9000) == b""
        assert len(engine.server._input._rest) < 200_000
    assert engine.say(b"\r\nc NOOP\r\n") == b"a BAD [TOOBIG] Line too long\r\nc OK Nothing done\r\n"


def test_append_streams_and_tells_its_uid():
    engine = Engine()
    assert engine.say(b"a APPEND inbox (\\Seen) {5}\r\n") == b"+ OK\r\n"
    assert engine.say(b"hello\r\n").startswith(b"a OK [APPENDUID ")
    assert engine.say(b"b APPEND nope {5+}\r\nhello\r\n").startswith(b"b NO [TRYCREATE]")
    big = b"x" * 400_000
    engine.say(b"c APPEND INBOX {400000+}\r\n" + big[:100])
    assert engine.say(big[100:] + b"\r\n").startswith(b"c OK [APPENDUID ")
    assert engine.say(b'd APPEND INBOX " 1-Feb-2024 00:00:00 +0100" {1+}\r\nx {1+}\r\ny\r\n').startswith(b"d BAD")
    assert b"EXISTS" in engine.say(b"e SELECT INBOX\r\n")
    assert engine.say(b"f NOOP\r\n") == b"f OK Nothing done\r\n"


def test_every_chunking_gives_the_same():
    text = b'a CREATE {3+}\r\nfoo\r\nb LIST "" *\r\nc APPEND foo {4+}\r\nabcd\r\nd STATUS foo (MESSAGES SIZE)\r\n'
    whole = Engine().say(text)
    engine = Engine()
    assert b"".join(engine.say(text[i : i + 1]) for i in range(len(text))) == whole
    assert b"MESSAGES 1 SIZE 4" in whole


def test_authenticate():
    engine = Engine(login=False)
    engine.passwords.sasl = lambda mechanism, channel, peer: Exchange(engine.passwords, peer)
    assert engine.say(b"a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert engine.say(b"*\r\n").startswith(b"a BAD")
    initial = base64.b64encode(b"\0u\0p")
    assert engine.say(b"b AUTHENTICATE PLAIN " + initial + b"\r\n").startswith(b"b OK [CAPABILITY")


class Exchange:
    def __init__(self, passwords, peer):
        self.passwords, self.peer = passwords, peer

    async def start(self, initial):
        from mailserverd.accounts.sasl_exchange import ServerChallenge

        return ServerChallenge(b"") if initial is None else await self.step(initial)

    async def step(self, line):
        from mailserverd.accounts.login import LoginFailure, Refusal

        if line == b"*":
            return LoginFailure(Refusal.CANCELLED)
        _, user, password = base64.b64decode(line).split(b"\0")
        return await self.passwords.password(user.decode(), password, self.peer)


def test_idle_tells_at_once_and_ends_on_done_only():
    from tests.imap.engine import Door

    engine = Engine()
    engine.say(b"a SELECT INBOX\r\n")
    assert engine.say(b"b IDLE\r\n") == b"+ idling\r\n"
    coroutine = Door().append(engine.mail, "INBOX", b"A: b\r\n\r\n", (), 0)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    engine.server.updates_waiting()
    assert b"* 1 EXISTS\r\n" in engine.took()
    engine.clock.advance(121)
    assert engine.took() == b"* OK Still here\r\n"
    assert engine.say(b"DONE\r\n") == b"b OK Idle ended\r\n"
    assert len(engine.events.listeners) == 1
    engine.say(b"c IDLE\r\n")
    assert engine.say(b"d NOOP\r\n").startswith(b"c BAD")


def test_silence_ends_a_connection():
    engine = Engine(login=False)
    engine.clock.advance(181)
    assert b"* BYE" in engine.took()
    engine = Engine()
    engine.clock.advance(181)
    assert not engine.transport.disconnecting
    engine.clock.advance(1700)
    assert b"* BYE Autologout" in engine.took()


def test_a_client_that_does_not_read_waits_and_is_dropped():
    engine = Engine()
    engine.server.pauseProducing()
    assert engine.say(b"a NOOP\r\n") == b""
    engine.server.resumeProducing()
    assert engine.took() == b"a OK Nothing done\r\n"
    engine.server.pauseProducing()
    engine.say(b"b NOOP\r\n" * 20_000)
    assert engine.transport.producerState == "paused"
    engine.clock.advance(301)
    assert engine.transport.aborted


def test_end_of_a_connection_in_idle_leaves_nothing():
    engine = Engine()
    engine.say(b"a SELECT INBOX\r\nb IDLE\r\n")
    engine.server.connectionLost(Failure(ConnectionDone()))
    assert engine.events.listeners == []
    assert not engine.factory.sessions
    assert not [call for call in engine.clock.getDelayedCalls() if call.active()]


def test_list_quota_namespace_enable():
    engine = Engine()
    engine.say(b"a CREATE Work/2024/May\r\nb SUBSCRIBE Work/2024\r\n")
    out = engine.say(b'c LIST "" %\r\n')
    assert b'* LIST (\\HasChildren) "/" Work\r\n' in out
    assert b'"/" Work/' not in out
    assert b'"/" INBOX\r\n' in out
    out = engine.say(b'd LIST (SUBSCRIBED RECURSIVEMATCH) "" %\r\n')
    assert b'* LIST (\\HasChildren) "/" Work ("CHILDINFO" ("SUBSCRIBED"))\r\n' in out
    assert b'* LSUB () "/" Work/2024\r\n' in engine.say(b'e LSUB "" *\r\n')
    assert b'* LSUB (\\Noselect) "/" Work\r\n' in engine.say(b'f LSUB "" %\r\n')
    out = engine.say(b'g LIST "" (INBOX) RETURN (STATUS (MESSAGES))\r\n')
    assert b"* STATUS INBOX (MESSAGES 0)\r\n" in out
    assert engine.say(b"h NAMESPACE\r\n").startswith(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    assert b"* ENABLED CONDSTORE\r\n" in engine.say(b"i ENABLE CONDSTORE X\r\n")
    assert b'* QUOTAROOT INBOX ""\r\n* QUOTA "" ()' in engine.say(b"j GETQUOTAROOT INBOX\r\n")


def test_refused_connection_and_shutdown():
    engine = Engine()
    ended = Deferred.fromCoroutine(engine.factory.end_sessions())
    assert engine.took() == b"* BYE The server is shutting down\r\n"
    assert not ended.called
    engine.server.connectionLost(Failure(ConnectionDone()))
    assert ended.called


def test_the_command_in_flight_is_answered_before_the_goodbye(monkeypatch):
    engine = Engine()
    waiting = slow_check(monkeypatch)
    engine.say(b"s SELECT INBOX\r\n")
    engine.say(b"a CHECK\r\nb NOOP\r\n")
    engine.server.goodbye(b"Enough")
    assert engine.took() == b""
    waiting.callback(None)
    assert engine.took() == b"a OK slow\r\n* BYE Enough\r\n"
    assert engine.server.session.closing


def test_logins_that_were_revoked_end_and_others_stay():
    engine = Engine()
    account_id = engine.server.session.account.account_id
    engine.factory.end_logins(Revoked(account_id, frozenset({"phone"})))
    engine.factory.end_logins(Revoked(AccountId(account_id + 1), None))
    assert engine.took() == b""
    engine.factory.end_logins(Revoked(account_id, None))
    assert engine.took() == b"* BYE [EXPIRED] This login has been ended by the administrator\r\n"


def test_single_octets_do_not_lengthen_the_time_for_logging_in():
    engine = Engine(login=False, login_timeout_seconds=60)
    for _ in range(7):
        engine.clock.advance(9)
        engine.say(b"x")
    assert engine.server.session.closing


def test_silence_is_counted_from_the_login_on():
    engine = Engine(login=False, login_timeout_seconds=60)
    engine.clock.advance(59)
    engine.say(b"a LOGIN u p\r\n")
    engine.clock.advance(1799)
    assert not engine.server.session.closing
    engine.clock.advance(2)
    assert engine.server.session.closing


def test_spaces_after_a_command_mean_nothing():
    engine = Engine()
    assert engine.say(b"a NOOP  \r\n").startswith(b"a OK")
    assert engine.say(b"b SELECT {5+}\r\nINBOX \r\n").endswith(b"b OK [READ-WRITE] Selected\r\n")
    assert engine.say(b"c APPEND INBOX {4+}\r\na: b \r\n").startswith(b"* 1 EXISTS")
    assert b"d NO [NONEXISTENT]" in engine.say(b"d SELECT {6+}\r\nINBOX \r\n")  # the literal's own space counts
    assert engine.say(b"e \r\n").startswith(b"e BAD")


def test_many_commands_at_once_leave_others_their_turn(monkeypatch):
    """After ten milliseconds of commands the rest waits for the next turn of the reactor."""
    engine = Engine()
    time = iter(range(10_000))
    for module in (server, in_flight):
        monkeypatch.setattr(module, "perf_counter", lambda: next(time) / 1000)
    engine.server.dataReceived(b"a NOOP\r\n" * 100)
    out = engine.took()
    assert 0 < out.count(b"a OK") < 100
    engine.clock.advance(0)
    more = engine.took()
    assert 0 < more.count(b"a OK") < 100
    for _ in range(100):
        engine.clock.advance(0)
    assert (out + more + engine.took()).count(b"a OK") == 100


def test_a_connection_too_many_with_tls_is_closed_without_a_handshake():
    engine = Engine(login=False)
    engine.connections.refusal = "too many connections"
    refused = engine.factory.buildProtocol(None)
    transport = Transport()
    directlyProvides(transport, ISSLTransport)
    refused.makeConnection(transport)
    assert transport.aborted
    assert transport.value() == b""
