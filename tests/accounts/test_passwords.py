from dataclasses import replace

import pytest

from mailserverd.accounts import passwords
from mailserverd.accounts.passwords import generate_password, make_credential, matching_label
from mailserverd.wire.sasl.scram import derive_keys
from tests.accounts.doubles import ITERATIONS, PASSWORD, SALT, credential, credentials_of


def test_the_password_and_no_other():
    stored = credentials_of(PASSWORD)
    assert matching_label(PASSWORD, stored) == ""
    assert matching_label(PASSWORD + "x", stored) is None


def test_an_app_password_says_which():
    stored = credentials_of(PASSWORD, "phone-secret")
    assert matching_label("phone-secret", stored) == "app1"


def test_hash_is_argon2id_with_the_stated_cost():
    assert credential().argon2.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_scram_keys_are_of_the_same_password():
    assert (credential().stored_key, credential().server_key) == derive_keys(PASSWORD.encode(), SALT, ITERATIONS)


def test_scram_key_alone_does_not_let_in():
    forged = replace(credential(), argon2=make_credential("other", SALT, ITERATIONS, "", 0).argon2)
    assert matching_label(PASSWORD, replace(credentials_of(PASSWORD), secrets=(forged,))) is None


def test_a_damaged_hash_does_not_let_in():
    damaged = replace(credential(), argon2="$argon2id$nonsense")
    assert matching_label(PASSWORD, replace(credentials_of(PASSWORD), secrets=(damaged,))) is None


@pytest.mark.parametrize("stored", [None, credentials_of(), credentials_of(PASSWORD, "b", "c")])
def test_every_check_costs_one_of_each(monkeypatch, stored):
    """Whoever does not exist, or has many app passwords, is not told by the clock."""
    calls = []
    monkeypatch.setattr(passwords, "derive_keys", lambda *args: calls.append("pbkdf2") or (b"x" * 32, b"y" * 32))
    monkeypatch.setattr(passwords, "_argon2_holds", lambda *args: calls.append("argon2") or False)
    assert matching_label("guess", stored) is None
    assert calls == ["pbkdf2", "argon2"]


def test_the_stand_in_for_nobody_is_a_hash_that_argon2_really_computes(monkeypatch):
    seen = []
    verify = passwords._HASHER.verify
    monkeypatch.setattr(type(passwords._HASHER), "verify", lambda self, *args: seen.append(args) or verify(*args))
    assert not passwords._argon2_holds(passwords._NOBODY_HASH, "guess")
    assert seen


def test_generated_passwords_differ_and_are_long_enough():
    made = {generate_password() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {19}
    assert all(each.replace("-", "").isalnum() for each in made)
