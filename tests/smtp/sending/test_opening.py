"""Greeting and EHLO, and what the caller is told where there is no session."""

import pytest
from twisted.internet.error import ConnectBindError, ConnectionRefusedError, TimeoutError
from twisted.python.failure import Failure

from mailserverd.interfaces.mail_transport import TlsRule
from mailserverd.model.outcome import Refused, TryLater
from tests.smtp.sending.stage import Stage


def test_the_deadline_and_the_source_of_the_connection() -> None:
    stage = Stage(source="127.0.0.5")
    stage.accept()
    assert stage.address == ("192.0.2.25", 25, 30, ("127.0.0.5", 0))
    stage = Stage()
    stage.accept()
    assert stage.address[3] is None


def test_a_session() -> None:
    stage = Stage()
    connection = stage.open("PIPELINING", "SIZE 1000", "X-OWN")
    assert connection.peer.where == "mx.example[192.0.2.25]:25"
    assert connection.peer.extensions == {"PIPELINING", "SIZE", "X-OWN"}
    assert (connection.peer.tls, connection.peer.verified) == ("", False)
    assert connection.idle()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(), "connection refused"),
        (TimeoutError(), "connection timed out"),
        (ConnectBindError(99, "cannot assign"), "cannot connect from 127.0.0.5: 99"),
    ],
)
def test_no_connection(error: Exception, why: str) -> None:
    stage = Stage(source="127.0.0.5")
    factory = stage.reactor.tcpClients[0][2]
    factory.clientConnectionFailed(None, Failure(error))
    failed = stage.connecting.failed
    assert (failed.stage, failed.outcome) == ("connect", TryLater("4.4.1", why))


def test_helo_where_ehlo_is_not_known() -> None:
    stage = Stage()
    stage.accept()
    stage.says("220-mx", "220 hello")
    assert stage.heard() == b"EHLO me.example\r\n"
    stage.says("502 what")
    assert stage.heard() == b"HELO me.example\r\n"
    stage.says("250 mx.example")
    assert stage.connecting.answer.peer.extensions == frozenset()


def test_lhlo_has_no_older_form() -> None:
    stage = Stage("lmtp")
    stage.accept()
    stage.says("220 hello")
    assert stage.heard() == b"LHLO me.example\r\n"
    stage.says("502 5.5.1 what")
    assert stage.connecting.failed.outcome == Refused("5.5.1", "502 5.5.1 what")


@pytest.mark.parametrize(
    ("said", "where", "outcome", "code"),
    [
        (["554 5.7.1 go away"], "greeting", Refused("5.7.1", "554 5.7.1 go away"), 554),
        (["421 4.3.2 not now"], "greeting", TryLater("4.3.2", "421 4.3.2 not now"), 421),
        (["250 hello"], "greeting", TryLater("4.5.0", "unexpected reply: 250 hello"), 250),
        (["220 hello", "421 busy"], "ehlo", TryLater("4.0.0", "421 busy"), 421),
        (["220 hello", "451 4.7.1 wait"], "ehlo", TryLater("4.7.1", "451 4.7.1 wait"), 451),
        (["220 hello", "550 no", "550 5.7.1 not you"], "ehlo", Refused("5.7.1", "550 5.7.1 not you"), 550),
        (["HTTP/1.1 400 Bad Request"], "greeting", None, 0),
    ],
)
def test_turned_away(said: list[str], where: str, outcome: object, code: int) -> None:
    stage = Stage()
    stage.accept()
    for line in said:
        stage.says(line)
    failed = stage.connecting.failed
    assert (failed.stage, failed.code) == (where, code)
    if outcome is not None:
        assert failed.outcome == outcome
    assert stage.wire.disconnecting


def test_a_name_of_ours_that_cannot_be_said() -> None:
    stage = Stage()
    stage.hop = stage.hop
    object.__setattr__(stage.hop, "helo", "me\r\nMAIL FROM:<x@y>")
    stage.accept()
    stage.says("220 hello")
    assert stage.connecting.failed.stage == "ehlo"
    assert b"MAIL" not in stage.heard()


def test_who_speaks_before_the_greeting_is_answered() -> None:
    stage = Stage()
    stage.accept()
    stage.says("220 hello", "250 already")
    assert stage.connecting.failed.stage == "ehlo"
    assert stage.wire.aborted
    assert stage.heard() == b""


@pytest.mark.parametrize("need", ["encrypt", "verify", "dane"])
def test_tls_is_required_and_not_offered(need: str) -> None:
    stage = Stage(tls=TlsRule(need))
    stage.accept()
    stage.says("220 hello")
    stage.says("250 mx")
    failed = stage.connecting.failed
    assert (failed.stage, failed.tls_reason) == ("tls", "starttls-not-supported")
    assert isinstance(failed.outcome, TryLater)


@pytest.mark.parametrize("need", ["encrypt", "verify", "dane"])
def test_tls_is_required_and_refused(need: str) -> None:
    stage = Stage(tls=TlsRule(need))
    stage.accept()
    stage.says("220 hello")
    stage.says("250-mx", "250 STARTTLS")
    stage.heard()
    stage.says("454 4.7.0 no certificate")
    failed = stage.connecting.failed
    assert (failed.stage, failed.tls_reason, failed.code) == ("tls", "starttls-not-supported", 454)
    assert b"MAIL" not in stage.heard()


def test_tls_that_is_only_welcome_is_refused() -> None:
    stage = Stage()
    stage.accept()
    stage.says("220 hello")
    stage.says("250-mx", "250 STARTTLS")
    stage.heard()
    stage.says("454 4.7.0 no certificate")
    assert stage.connecting.answer.idle()
    assert stage.connecting.answer.peer.tls == ""


def test_tls_is_not_to_be_tried() -> None:
    stage = Stage(tls=TlsRule("none"))
    stage.open("STARTTLS")
    assert stage.heard() == b""


def test_a_password_is_not_sent_in_the_clear() -> None:
    stage = Stage(credentials=("user", "secret"))
    stage.accept()
    stage.says("220 hello")
    stage.says("250-mx", "250 AUTH PLAIN")
    failed = stage.connecting.failed
    assert (failed.stage, failed.outcome.status) == ("auth", "4.7.11")
    assert b"AUTH" not in stage.heard()


def test_given_up_while_connecting() -> None:
    stage = Stage()
    stage.accept()
    stage.connecting.deferred.cancel()
    assert stage.connecting.failed.stage == "greeting"
    assert stage.wire.aborted
