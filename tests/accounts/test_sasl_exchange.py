import base64
from dataclasses import replace

import pytest
from twisted.internet.defer import Deferred

from mailserverd.accounts.login import Login, LoginFailure, Refusal
from mailserverd.accounts.sasl_exchange import ServerChallenge
from mailserverd.model.errors import TryAgain
from tests.accounts.doubles import (
    IN_CLEAR,
    OVER_TLS,
    PASSWORD,
    Logins,
    ScramClient,
    credentials_of,
    directory_with,
    drive,
)

ANNA = "anna@example.org"


def b64(octets):
    return base64.b64encode(octets)


class Exchange:
    def __init__(self, mechanism, channel=None, stage=None):
        self.stage = stage or Logins(directory_with(ANNA, "bob@example.org"))
        self.exchange = self.stage.authenticator.sasl(mechanism, channel, OVER_TLS)

    def result(self, coroutine):
        done = Deferred.fromCoroutine(coroutine)
        for _ in range(200):
            if done.called:
                return done.result
            self.stage.clock.advance(0.05)
        raise AssertionError("no end")

    def start(self, initial=None):
        return self.result(self.exchange.start(initial))

    def step(self, octets):
        return self.result(self.exchange.step(b64(octets)))


def scram(client, exchange):
    """Everything up to the server's proof."""
    first = exchange.start(b64(client.first()))
    return exchange.step(client.final(base64.b64decode(first.line)))


@pytest.mark.parametrize("name", ["PLAIN", "plain"])
def test_plain_with_an_initial_response(name):
    came_in = Exchange(name).start(b64(b"\0anna\0" + PASSWORD.encode()))
    assert (came_in.account.address, came_in.mechanism) == (ANNA, "PLAIN")


def test_plain_without():
    exchange = Exchange("PLAIN")
    assert exchange.start() == ServerChallenge(b"")
    assert isinstance(exchange.step(b"\0anna\0" + PASSWORD.encode()), Login)


def test_empty_initial_response_is_none_of_plains():
    assert Exchange("PLAIN").start(b"=").refusal is Refusal.MALFORMED


def test_login():
    exchange = Exchange("LOGIN")
    assert base64.b64decode(exchange.start().line) == b"Username:"
    assert base64.b64decode(exchange.step(b"anna").line) == b"Password:"
    assert isinstance(exchange.step(PASSWORD.encode()), Login)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_cancel(mechanism):
    exchange = Exchange(mechanism)
    exchange.start()
    assert exchange.result(exchange.exchange.step(b"*")).refusal is Refusal.CANCELLED
    assert exchange.result(exchange.exchange.step(b"")).refusal is Refusal.MALFORMED
    assert not exchange.stage.throttle._pairs


def test_bad_base64():
    exchange = Exchange("PLAIN")
    exchange.start()
    assert exchange.result(exchange.exchange.step(b"!!")).refusal is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("acting", "refusal"),
    [("anna", None), (ANNA, None), ("bob", Refusal.NOT_AUTHORIZED), ("x", Refusal.NOT_AUTHORIZED)],
)
def test_nobody_acts_for_another_account(acting, refusal):
    message = acting.encode() + b"\0anna\0" + PASSWORD.encode()
    result = Exchange("PLAIN").start(b64(message))
    assert getattr(result, "refusal", None) is refusal


def test_wrong_password_by_plain_is_late():
    stage = Logins(directory_with(ANNA))
    exchange = Exchange("PLAIN", stage=stage)
    done = Deferred.fromCoroutine(exchange.exchange.start(b64(b"\0anna\0nope")))
    assert not done.called
    stage.clock.advance(0.05)
    assert done.result.refusal is Refusal.INVALID


def test_scram():
    exchange, client = Exchange("SCRAM-SHA-256"), ScramClient("anna", PASSWORD)
    assert base64.b64decode(scram(client, exchange).line) == client.verifier
    came_in = exchange.step(b"")
    assert (came_in.account.address, came_in.mechanism, came_in.label) == (ANNA, "SCRAM-SHA-256", "")
    assert exchange.stage.hashing.works == 0


def test_scram_with_an_app_password():
    exchange, client = Exchange("SCRAM-SHA-256"), ScramClient("anna", "phone")
    account = drive(exchange.stage.directory.account(ANNA))
    both = credentials_of(PASSWORD, "phone", account_id=account.account_id, generation=2)
    drive(exchange.stage.directory.put_credentials(both))
    scram(client, exchange)
    assert exchange.step(b"").label == "app1"


def test_scram_plus():
    exchange = Exchange("SCRAM-SHA-256-PLUS", lambda kind: b"bound")
    client = ScramClient("anna", PASSWORD, b"p=tls-exporter,,", b"bound")
    scram(client, exchange)
    assert isinstance(exchange.step(b""), Login)


def test_scram_failure_is_late_and_counted():
    exchange = Exchange("SCRAM-SHA-256")
    assert scram(ScramClient("anna", "nope"), exchange).refusal is Refusal.INVALID
    assert exchange.stage.throttle._pairs
    assert isinstance(exchange.stage.outcomes[-1], LoginFailure)


def test_a_stranger_gets_the_same_salt_every_time_and_no_other_answer():
    """RFC 5802 §9: that a name does not exist must not show."""

    def first_of(name):
        exchange = Exchange("SCRAM-SHA-256")
        line = base64.b64decode(exchange.start(b64(ScramClient(name, "x").first())).line)
        fields = dict(part.split(b"=", 1) for part in line.split(b","))
        return fields[b"s"], fields[b"i"]

    assert first_of("nobody") == first_of("NoBody")
    assert first_of("nobody") != first_of("nobody2")
    assert len(base64.b64decode(first_of("nobody")[0])) == len(base64.b64decode(first_of("anna")[0]))
    assert scram(ScramClient("nobody", "x"), Exchange("SCRAM-SHA-256")).refusal is Refusal.INVALID


def test_scram_of_a_disabled_account():
    exchange = Exchange("SCRAM-SHA-256")
    account = drive(exchange.stage.directory.account(ANNA))
    drive(exchange.stage.directory.put_account(replace(account, disabled=True)))
    scram(ScramClient("anna", PASSWORD), exchange)
    assert exchange.step(b"").refusal is Refusal.DISABLED


def test_scram_with_a_password_that_was_changed_meanwhile():
    exchange = Exchange("SCRAM-SHA-256")
    account = drive(exchange.stage.directory.account(ANNA))
    scram(ScramClient("anna", PASSWORD), exchange)
    changed = credentials_of(PASSWORD, account_id=account.account_id, generation=2)
    drive(exchange.stage.directory.put_credentials(changed))
    assert exchange.step(b"").refusal is Refusal.INVALID


def test_store_failure_is_temporary():
    exchange = Exchange("SCRAM-SHA-256")

    async def unavailable(login):
        raise TryAgain("no")

    exchange.stage.directory.login_account = unavailable
    assert exchange.start(b64(b"n,,n=anna,r=x")).refusal is Refusal.UNAVAILABLE


def test_what_cannot_begin():
    authenticator = Logins(directory_with(ANNA)).authenticator
    assert authenticator.sasl("PLAIN", None, IN_CLEAR).refusal is Refusal.TLS_REQUIRED
    assert authenticator.sasl("CRAM-MD5", None, OVER_TLS).refusal is Refusal.UNKNOWN_MECHANISM
    assert authenticator.sasl("SCRAM-SHA-256-PLUS", None, OVER_TLS).refusal is Refusal.UNKNOWN_MECHANISM


def test_without_channel_binding_a_client_that_could_bind_is_served():
    def channel(kind):
        return b"x" * 32 if kind == "tls-exporter" else None

    stage = Logins(directory_with(ANNA))
    could_bind = b64(b"y,,n=anna,r=x")
    assert isinstance(Exchange("SCRAM-SHA-256", channel, stage).start(could_bind), LoginFailure)
    stage.authenticator.channel_binding = False
    assert isinstance(Exchange("SCRAM-SHA-256", channel, stage).start(could_bind), ServerChallenge)
    refused = stage.authenticator.sasl("SCRAM-SHA-256-PLUS", channel, OVER_TLS)
    assert refused.refusal is Refusal.UNKNOWN_MECHANISM
