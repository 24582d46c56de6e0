import pytest

from mailserverd.wire.sasl.login import Login
from mailserverd.wire.sasl.steps import Challenge, Fault, PasswordGiven


def test_two_prompts():
    login = Login()
    assert login.start(None) == Challenge(b"Username:")
    assert login.step(b"anna") == Challenge(b"Password:")
    assert login.step(b"p w") == PasswordGiven("anna", "", b"p w")


def test_name_as_initial_response():
    login = Login()
    assert login.start(b"anna") == Challenge(b"Password:")
    assert login.step(b"pw") == PasswordGiven("anna", "", b"pw")


@pytest.mark.parametrize("name", [b"", b"\xff", b"a\0b", b"a" * 513])
def test_bad_names(name):
    assert Login().start(name).fault is Fault.MALFORMED


@pytest.mark.parametrize("password", [b"", b"p" * 1025])
def test_bad_passwords(password):
    login = Login()
    login.start(b"anna")
    assert login.step(password).fault is Fault.MALFORMED
