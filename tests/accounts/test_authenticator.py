from dataclasses import replace

import pytest
from twisted.internet.defer import Deferred

from mailserverd.accounts.login import Login, LoginFailure, Refusal
from mailserverd.model.errors import TryAgain
from mailserverd.wire.sasl.mechanisms import WITH_BINDING, WITHOUT_BINDING
from tests.accounts.doubles import (
    IN_CLEAR,
    OVER_TLS,
    PASSWORD,
    DictRecords,
    Logins,
    credentials_of,
    directory_with,
    drive,
)

ANNA = "anna@example.org"


def logins(**settings):
    return Logins(directory_with(ANNA, "bob@second.example", **settings))


def login(stage, name, password=PASSWORD, peer=OVER_TLS):
    return drive(stage.authenticator.password(name, password.encode(), peer))


def failed(stage, name, password="wrong", peer=OVER_TLS):
    """The failure, and how long it was kept back."""
    done = Deferred.fromCoroutine(stage.authenticator.password(name, password.encode(), peer))
    (answer,) = stage.clock.getDelayedCalls()
    delay = answer.getTime() - stage.clock.seconds()
    stage.clock.advance(delay)
    return done.result, round(delay, 3)


@pytest.mark.parametrize("name", [ANNA, "Anna@EXAMPLE.org", "anna", "ANNA", "bob@second.example"])
def test_names_that_come_in(name):
    came_in = login(logins(), name)
    assert isinstance(came_in, Login)
    assert came_in.account.address in (ANNA, "bob@second.example")


@pytest.mark.parametrize("name", ["bob", "nobody", "", "@", "anna@other.example", "anna+tag@example.org"])
def test_names_that_do_not(name):
    assert failed(logins(), name, PASSWORD)[0].refusal is Refusal.INVALID


def test_wrong_passwords_and_strangers_are_answered_alike():
    stage = logins()
    assert failed(stage, ANNA)[0].refusal is failed(stage, "nobody")[0].refusal is Refusal.INVALID
    assert stage.hashing.works == 2


def test_failures_are_answered_later_and_later():
    stage = logins()
    assert [failed(stage, ANNA)[1] for _ in range(4)] == [0.05, 0.1, 0.2, 0.4]


def test_a_right_password_never_waits():
    stage = logins()
    for _ in range(5):
        failed(stage, ANNA)
    assert isinstance(login(stage, ANNA), Login)


def test_remembered_password_costs_no_hash_until_it_is_forgotten():
    stage = logins()
    for _ in range(5):
        login(stage, ANNA)
    assert stage.hashing.works == 1
    stage.clock.advance(301)
    login(stage, ANNA)
    assert stage.hashing.works == 2


def test_a_changed_password_ends_what_was_remembered_at_once():
    stage = logins()
    account = login(stage, ANNA).account
    changed = credentials_of("new password", account_id=account.account_id, generation=2)
    drive(stage.directory.put_credentials(changed))
    assert failed(stage, ANNA, PASSWORD)[0].refusal is Refusal.INVALID
    assert isinstance(login(stage, ANNA, "new password"), Login)


def test_a_password_that_is_changed_while_it_is_verified_does_not_count():
    stage = logins()
    account = drive(stage.directory.account(ANNA))
    waiting = Deferred()

    async def slow(work, address, known=None):
        await waiting
        return work()

    stage.hashing.run = slow
    done = Deferred.fromCoroutine(stage.authenticator.password(ANNA, PASSWORD.encode(), OVER_TLS))
    changed = credentials_of(PASSWORD, account_id=account.account_id, generation=2)
    drive(stage.directory.put_credentials(changed))
    waiting.callback(None)
    stage.clock.advance(1)
    assert done.result.refusal is Refusal.INVALID
    assert len(stage.remembered) == 0


def test_a_disabled_account_is_told_so_only_with_the_right_password():
    stage = logins()
    account = login(stage, ANNA).account
    drive(stage.directory.put_account(replace(account, disabled=True)))
    assert login(stage, ANNA).refusal is Refusal.DISABLED
    assert failed(stage, ANNA)[0].refusal is Refusal.INVALID


def test_app_passwords_say_which_and_when():
    stage = logins()
    account = drive(stage.directory.account(ANNA))
    both = credentials_of(PASSWORD, "phone", account_id=account.account_id, generation=2)
    drive(stage.directory.put_credentials(both))
    assert login(stage, ANNA, "phone").label == "app1"
    used = [each.last_used_at for each in drive(stage.directory.credentials(account.account_id)).secrets]
    assert used == [None, 1_000_000]


def test_use_is_noted_once_an_hour():
    records = DictRecords()
    stage = logins(records=records)
    writes = records.writes
    login(stage, ANNA)
    login(stage, ANNA)
    assert records.writes == writes + 1
    stage.clock.advance(3600)
    login(stage, ANNA)
    assert records.writes == writes + 2


def test_a_note_that_cannot_be_written_is_no_reason_to_refuse():
    records = DictRecords()
    stage = logins(records=records)
    records.failing = TryAgain("the disk is full")
    assert isinstance(login(stage, ANNA), Login)


def test_too_many_waiting_is_temporary_and_no_failed_guess():
    stage = logins()
    stage.hashing.failing = TryAgain("too many")
    assert login(stage, ANNA).refusal is Refusal.UNAVAILABLE
    assert not stage.throttle._pairs


def test_no_login_in_the_clear():
    stage = logins()
    assert login(stage, ANNA, peer=IN_CLEAR).refusal is Refusal.TLS_REQUIRED
    assert stage.hashing.works == 0
    assert not stage.authenticator.allows(IN_CLEAR)
    assert stage.authenticator.mechanisms(IN_CLEAR) == ()


def test_a_listed_network_may_log_in_in_the_clear():
    stage = logins()
    stage.authenticator.insecure_networks = ("192.0.2.1",)
    assert isinstance(login(stage, ANNA, peer=IN_CLEAR), Login)
    assert stage.authenticator.mechanisms(IN_CLEAR) == WITHOUT_BINDING
    assert stage.authenticator.mechanisms(OVER_TLS) == WITH_BINDING


def test_channel_binding_can_be_left_out():
    stage = logins()
    stage.authenticator.channel_binding = False
    assert stage.authenticator.mechanisms(OVER_TLS) == WITHOUT_BINDING


@pytest.mark.parametrize("password", [b"\xff", b"", b"nul\0", b"x" * 5000])
def test_impossible_passwords_are_just_wrong(password):
    stage = logins()
    done = Deferred.fromCoroutine(stage.authenticator.password(ANNA, password, OVER_TLS))
    stage.clock.advance(1)
    assert done.result.refusal is Refusal.INVALID


def test_account_without_a_password():
    stage = logins()
    account = drive(stage.directory.account(ANNA))
    drive(stage.directory.put_credentials(credentials_of(account_id=account.account_id, generation=2)))
    assert failed(stage, ANNA, PASSWORD)[0].refusal is Refusal.INVALID


def test_every_outcome_is_told():
    stage = logins()
    login(stage, ANNA)
    failed(stage, ANNA)
    login(stage, ANNA, peer=IN_CLEAR)
    assert [type(each) for each in stage.outcomes] == [Login, LoginFailure, LoginFailure]


# APOP

TIMESTAMP = b"<1896.697170952@dbc.mtview.ca.us>"
DIGEST = b"c4c9334bac560ecc979e58001b3e22fb"  # RFC 1939 §7, of "tanstaaf"


def apop(stage, name=ANNA, digest=DIGEST, peer=OVER_TLS):
    done = Deferred.fromCoroutine(stage.authenticator.apop(name, TIMESTAMP, digest, peer))
    stage.clock.advance(10)
    return done.result


def test_apop():
    assert apop(logins(apop_secret="tanstaaf")).mechanism == "APOP"


def test_apop_needs_a_secret_of_its_own():
    assert apop(logins()).refusal is Refusal.INVALID
    assert apop(logins(apop_secret="other")).refusal is Refusal.INVALID
    assert apop(logins(apop_secret="tanstaaf"), "nobody").refusal is Refusal.INVALID
    assert apop(logins(apop_secret="tanstaaf"), peer=IN_CLEAR).refusal is Refusal.TLS_REQUIRED
