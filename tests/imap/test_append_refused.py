"""An APPEND that its mailbox would not take is refused before its octets are asked for (RFC 9051 §6.3.12)."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.imap.engine import Engine

REFUSED = [
    (b"nope {5}", b"a NO [TRYCREATE] "),
    (b"INBOX {2000}", b"a NO [OVERQUOTA] "),
    (b"INBOX {5000}", b"a NO [TOOBIG] "),
    (b"INBOX {0}", b"a NO "),
]


def small_engine():
    engine = Engine(max_append_bytes=4000)
    engine.mail.quota = 1000
    return engine


def spooled(engine, monkeypatch):
    opened = []
    spool = engine.server.factory.services.spool
    monkeypatch.setattr(type(spool), "open", lambda self: opened.append(self))
    return opened


@pytest.mark.parametrize(("arguments", "answer"), REFUSED)
def test_instead_of_the_continuation(arguments, answer, monkeypatch):
    engine = small_engine()
    opened = spooled(engine, monkeypatch)
    out = engine.say(b"a APPEND " + arguments + b"\r\n")
    assert out.startswith(answer)
    assert out.count(b"\r\n") == 1
    assert engine.say(b"b NOOP\r\n") == b"b OK Nothing done\r\n"  # no octets are waited for
    assert not opened


@pytest.mark.parametrize(("arguments", "answer"), REFUSED)
def test_octets_that_come_unasked_are_swallowed_and_not_kept(arguments, answer, monkeypatch):
    engine = small_engine()
    opened = spooled(engine, monkeypatch)
    size = int(arguments[arguments.rindex(b"{") + 1 : -1])
    assert engine.say(b"a APPEND " + arguments[:-1] + b"+}\r\n") == b""
    out = engine.say(b"x" * size + b"\r\nb NOOP\r\n")
    assert out.startswith(answer)
    assert out.endswith(b"\r\nb OK Nothing done\r\n")
    assert not opened


def slow_store(engine):
    waiting = Deferred()
    named = engine.mail.mailbox_named

    async def slow(name):
        await waiting
        return await named(name)

    engine.mail.mailbox_named = slow
    return waiting


def test_a_store_that_takes_its_time_to_say():
    engine = Engine()
    waiting = slow_store(engine)
    assert engine.say(b"a APPEND INBOX {5+}\r\nhello\r\nb NOOP\r\n") == b""
    waiting.callback(None)
    out = engine.took()
    assert out.startswith(b"a OK [APPENDUID ")
    assert out.endswith(b"b OK Nothing done\r\n")


def test_a_store_that_fails():
    engine = Engine()
    waiting = slow_store(engine)
    assert engine.say(b"a APPEND INBOX {5}\r\n") == b""
    engine.server.goodbye(b"Enough")
    waiting.errback(Failure(RuntimeError("no store")))
    assert engine.took().startswith(b"a NO [SERVERBUG]")
    assert engine.server.session.closing


def test_the_client_goes_meanwhile():
    engine = Engine()
    waiting = slow_store(engine)
    engine.say(b"a APPEND INBOX {5}\r\n")
    engine.server.connectionLost(Failure(ConnectionDone()))
    waiting.callback(None)
    assert engine.took() == b""


WRONG = [
    b"INBOX (\\Seen {5}",
    b'INBOX () "yesterday" {5}',
    b"INBOX bare {5}",
    b"INBOX ~{5}",
    b'"INBOX {5}',
]


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments_are_bad_before_the_octets_come(arguments, monkeypatch):
    engine = Engine()
    opened = spooled(engine, monkeypatch)
    out = engine.say(b"a APPEND " + arguments + b"\r\n")
    assert out.startswith(b"a BAD ")
    assert out.count(b"\r\n") == 1
    assert engine.say(b"b NOOP\r\n") == b"b OK Nothing done\r\n"
    assert engine.say(b"a APPEND " + arguments[:-1] + b"+}\r\nhel") == b""
    out = engine.say(b"lo\r\nb NOOP\r\n")
    assert out.startswith(b"a BAD ")
    assert out.endswith(b"\r\nb OK Nothing done\r\n")
    assert not opened


def test_wrong_arguments_behind_a_name_in_a_literal():
    engine = Engine()
    assert engine.say(b"a APPEND {5}\r\n") == b"+ OK\r\n"
    assert engine.say(b"INBOX (bad {5}\r\n").startswith(b"a BAD ")
    assert engine.say(b"a APPEND  {5}\r\n") == b"+ OK\r\n"
    assert engine.say(b"INBOX {5}\r\n") == b"+ OK\r\n"
    assert engine.say(b"hello\r\n").startswith(b"a OK [APPENDUID ")
